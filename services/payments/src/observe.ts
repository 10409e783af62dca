import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { parseTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { EventDecision } from './domain/decide-events.ts'
import type { Decision } from './domain/decide-requests.ts'
import { isFinal, type Status, STATUSES } from './domain/payment.ts'
import { countUnderWay, type UnderWay } from './store/count-under-way.ts'

const UNDER_WAY = STATUSES.filter((status) => !isFinal(status))

/** Metrics and log lines about payments (P10, P13, F9). */
export interface Observer {
  requestsDecided(decisions: readonly Decision[]): void
  eventsDecided(decision: EventDecision, incoming: readonly IncomingEvent[]): void
}

/**
 * Counts payments by state, answers by what they were, and at each scrape those under way with the
 * age of the oldest: a payment that is stuck is seen, and nothing is invented to end it.
 */
export function createObserver(deps: { db: Db; logger: Logger; metrics: Metrics }): Observer {
  const { logger, metrics } = deps
  const entered = metrics.counter(
    'payments_entered_total',
    'Payments that entered a state, by the reason for those that failed.',
    ['status', 'reason'],
  )
  const answers = metrics.counter(
    'payment_requests_total',
    'Requests to pay by what came of them: accepted, replayed, or the code of the refusal.',
    ['outcome'],
  )
  const contradictions = metrics.counter(
    'payment_contradictions_total',
    'Events that cannot be true beside what is known; they changed nothing.',
    ['event_type'],
  )
  const finalSeconds = metrics.histogram(
    'payment_duration_seconds',
    'From the request to the final state.',
    ['status'],
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  )
  watchUnderWay(deps)
  return {
    requestsDecided(decisions) {
      for (const decision of decisions) {
        answers.inc({ outcome: outcomeOf(decision) })
        if (decision.kind !== 'accepted') continue
        const { payment, event } = decision
        entered.inc({ status: payment.status, reason: '' })
        logger.info(
          {
            payment_id: payment.paymentId,
            trace_id: payment.traceId,
            tenant_id: payment.tenantId,
            idempotency_key: event.idempotency_key,
            external_order_id: payment.externalOrderId,
          },
          'payment accepted',
        )
      }
    },
    eventsDecided({ changed, contradictions: indexes }, incoming) {
      for (const { before, after } of changed) {
        if (after.status === before.status) continue
        const reason = after.status === 'FAILED' ? (after.reason ?? '') : ''
        const { paymentId, traceId, status } = after
        entered.inc({ status, reason })
        if (after.finalizedAt) {
          const durationMs = after.finalizedAt.getTime() - after.createdAt.getTime()
          finalSeconds.observe({ status }, durationMs / 1000)
        }
        const fields = { payment_id: paymentId, trace_id: traceId, status, reason }
        // Every payment passes here; what most go through says nothing to an operator.
        if (status === 'RESERVED') logger.debug(fields, 'payment moved')
        else logger.info(fields, 'payment moved')
      }
      for (const index of indexes) {
        const { event, record } = incoming[index]!
        contradictions.inc({ event_type: event.event_type })
        logger.error({ ...whereabouts(event, record) }, 'an event contradicts what is known')
      }
    },
  }
}

function outcomeOf(decision: Decision): string {
  switch (decision.kind) {
    case 'accepted':
      return 'accepted'
    case 'refused':
    case 'rejected':
      return decision.code
    case 'replayed':
    case 'repeated':
      return 'replayed'
    default:
      return decision satisfies never
  }
}

function whereabouts(event: IncomingEvent['event'], record: IncomingEvent['record']) {
  const traceparent = parseTraceparent(record.headers['traceparent'])
  const { topic, partition, offset } = record
  return {
    payment_id: 'payment_id' in event ? event.payment_id : undefined,
    event_type: event.event_type,
    event_id: event.event_id,
    trace_id: traceparent === null ? undefined : traceIdOf(traceparent),
    topic,
    partition,
    offset: String(offset),
  }
}

function watchUnderWay({ db, metrics }: { db: Db; metrics: Metrics }): void {
  // Both gauges of a scrape ask at once; they share one query.
  let asked: Promise<UnderWay[]> | undefined
  const ask = (): Promise<UnderWay[]> => {
    asked ??= countUnderWay(db).finally(() => (asked = undefined))
    return asked
  }
  // A scrape must not fail with the database: the last values stand then.
  const show = (set: (status: Status, row: UnderWay | undefined) => void) => async () => {
    const rows = await ask().catch(() => undefined)
    for (const status of rows ? UNDER_WAY : []) {
      const ofStatus = rows?.find((row) => row.status === status)
      set(status, ofStatus)
    }
  }
  const count = metrics.gauge(
    'payments_under_way',
    'Payments in a state that is not final.',
    ['status'],
    show((status, row) => count.set({ status }, row?.count ?? 0)),
  )
  const oldest = metrics.gauge(
    'payments_under_way_oldest_seconds',
    'Age of the oldest payment of a state that is not final.',
    ['status'],
    show((status, row) => oldest.set({ status }, row?.oldestSeconds ?? 0)),
  )
}
