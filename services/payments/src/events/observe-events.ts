import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { EventDecision } from '../domain/decide-events.ts'

/** Receives the decision of a batch of events after its commit. */
export type EventObserver = (decision: EventDecision, incoming: readonly IncomingEvent[]) => void

/**
 * Counts and logs payments that change state, and events that contradict their payment; `entered`
 * counts the states.
 */
export function observeEvents(deps: {
  logger: Logger
  metrics: Metrics
  entered: ReturnType<Metrics['counter']>
}): EventObserver {
  const { logger, metrics, entered } = deps
  const contradictions = metrics.counter(
    'payment_contradictions_total',
    'Events that conflict with the state of their payment and changed nothing.',
    ['event_type'],
  )
  const finalSeconds = metrics.histogram(
    'payment_duration_seconds',
    'From the request to the final state.',
    ['status'],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  )
  return ({ changed, contradictions: indexes }, incoming) => {
    // Of several events of a payment the last one that does not contradict it.
    const refused = new Set(indexes)
    const applied = incoming.filter((_, index) => !refused.has(index))
    const actors = new Map(applied.map(({ event }) => [aboutOf(event), event.actor]))
    for (const { before, after } of changed) {
      if (after.status === before.status) continue
      const reason = after.status === 'FAILED' ? (after.reason ?? '') : ''
      const { paymentId, traceId, status } = after
      entered.inc({ status, reason })
      if (after.finalizedAt) {
        const durationMs = after.finalizedAt.getTime() - after.createdAt.getTime()
        finalSeconds.observe({ status }, durationMs / 1000)
      }
      const actor = actors.get(paymentId)
      const fields = { payment_id: paymentId, trace_id: traceId, actor, status, reason }
      // Almost every payment becomes RESERVED, so operators do not need these lines.
      if (status === 'RESERVED') logger.debug(fields, 'payment changed state')
      else logger.info(fields, 'payment changed state')
    }
    for (const index of indexes) {
      const { event, record } = incoming[index]!
      contradictions.inc({ event_type: event.event_type })
      logger.error(
        { ...whereabouts(event, record) },
        'an event contradicts the state of its payment',
      )
    }
  }
}

function aboutOf(event: IncomingEvent['event']): string | undefined {
  return 'payment_id' in event ? event.payment_id : undefined
}

function whereabouts(event: IncomingEvent['event'], record: IncomingEvent['record']) {
  const traceparent = parseTraceparent(record.headers['traceparent'])
  const { topic, partition, offset } = record
  return {
    payment_id: aboutOf(event),
    actor: event.actor,
    event_type: event.event_type,
    event_id: event.event_id,
    trace_id: traceparent === null ? undefined : traceIdOf(traceparent),
    topic,
    partition,
    offset: String(offset),
  }
}
