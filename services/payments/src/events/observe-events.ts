import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type {
  CausedCase,
  ChangedPayment,
  ChangedRefund,
  EventDecision,
} from '../domain/decide-events.ts'

/** Receives the decision of a batch of events after its commit. */
export type EventObserver = (decision: EventDecision, incoming: readonly IncomingEvent[]) => void

interface ObserverDeps {
  logger: Logger
  metrics: Metrics
  entered: ReturnType<Metrics['counter']>
  refundsEntered: ReturnType<Metrics['counter']>
}

/** Who caused the last event that applied to a payment. */
type Actors = ReadonlyMap<string | undefined, IncomingEvent['event']['actor']>

/**
 * Counts and logs payments and refunds that change state, and events that contradict what is known;
 * `entered` and `refundsEntered` count the states.
 */
export function observeEvents(deps: ObserverDeps): EventObserver {
  const { logger, metrics } = deps
  const contradictions = metrics.counter(
    'payment_contradictions_total',
    'Events that conflict with the state of their payment or refund and changed nothing.',
    ['event_type'],
  )
  const observePayment = paymentObserver(deps)
  const observeRefund = refundObserver(deps)
  return ({ changed, refunds, cases, contradictions: indexes }, incoming) => {
    // Of several events of a payment the last one that does not contradict it.
    const refused = new Set(indexes)
    const applied = incoming.filter((_, index) => !refused.has(index))
    const actors: Actors = new Map(applied.map(({ event }) => [aboutOf(event), event.actor]))
    for (const change of changed) observePayment(change, actors)
    for (const change of refunds) observeRefund(change, actors)
    for (const one of cases) logger.warn(aboutCase(one), 'case opened')
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

function paymentObserver({ logger, metrics, entered }: ObserverDeps) {
  const finalSeconds = metrics.histogram(
    'payment_duration_seconds',
    'From the request to the final state.',
    ['status'],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  )
  return ({ before, after }: ChangedPayment, actors: Actors): void => {
    if (after.status === before.status) return
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
}

function refundObserver({ logger, refundsEntered }: ObserverDeps) {
  return ({ before, after }: ChangedRefund, actors: Actors): void => {
    const { refundId, paymentId, traceId, status } = after
    if (status === before.status) return
    const reason = status === 'FAILED' ? (after.failureReason ?? '') : ''
    refundsEntered.inc({ status, reason })
    const actor = actors.get(paymentId)
    const ids = { refund_id: refundId, payment_id: paymentId, trace_id: traceId }
    logger.info({ ...ids, actor, status, reason }, 'refund changed state')
  }
}

function aboutCase({ caseId, tenantId, reason, subject, payment }: CausedCase) {
  const about = { case_id: caseId, tenant_id: tenantId, reason, subject }
  return { ...about, payment_id: payment?.paymentId }
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
