import { systemActor } from '@caudal/contracts/actor.ts'
import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { Emission } from '../domain/decision.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { CallFacts, Found, Sent } from '../psp/psp-client.ts'
import { countInDoubt } from '../store/count-in-doubt.ts'

/** Metrics and logs of payments and calls. */
export type Observer = {
  sent(facts: PaymentFacts, attempt: number, sent: Sent): void
  found(facts: PaymentFacts, query: number, found: Found): void
  /** The PSP stated something about the payment that cannot be true. */
  refused(facts: PaymentFacts, errorClass: string): void
  /** The outcome of a payment, or that it is in doubt, was committed. */
  emitted(facts: PaymentFacts, emission: Emission): void
  /** An attempt was still SENDING after its deadline. */
  lost(facts: PaymentFacts, attempt: number): void
  /** The payment was sent to this PSP, which is not the one that is configured. */
  atOtherPsp(facts: PaymentFacts, psp: string | null): void
  recordFailed(facts: PaymentFacts, error: unknown): void
  callFailed(facts: PaymentFacts, error: unknown): void
  /** The circuit of a tenant and bank, or of the whole PSP (null). */
  circuitChanged(mode: CircuitMode, key: CallKey | null): void
}

/** Metrics of P5: latency of the PSP, success and failure, retries; logs with payment_id. */
export function createObserver({
  logger,
  metrics,
}: {
  logger: Logger
  metrics: Metrics
}): Observer {
  const { seconds, retries, outcomes, operator, lost, failed, changes } = createMeters(metrics)
  const refused = reportRefused(logger, metrics)
  return {
    refused,
    sent(facts, attempt, { outcome, facts: sentFacts }) {
      const { latencyMs, errorClass, httpStatus } = sentFacts
      seconds.observe({ operation: 'pay', outcome: outcome.kind }, latencyMs / 1000)
      if (attempt > 1) retries.inc()
      const { kind } = outcome
      if (kind === 'approved' || kind === 'declined') return
      const what = { ...idsOf(facts), attempt, outcome: kind, error_class: errorClass }
      if (kind === 'misconfigured') {
        operator.inc({ error_class: errorClass ?? '' })
        logger.error(
          { ...what, http_status: httpStatus },
          'the PSP refused our credentials or request: an operator must act',
        )
      } else logger.warn(what, 'payment request without a verdict')
      if (isUnbelievable(sentFacts)) refused(facts, errorClass ?? '')
    },
    found(facts, query, { answer, facts: foundFacts }) {
      const { latencyMs, errorClass } = foundFacts
      seconds.observe({ operation: 'status', outcome: answer.kind }, latencyMs / 1000)
      const what = { ...idsOf(facts), query, answer: answer.kind, error_class: errorClass }
      logger.info(what, 'queried the status of a payment')
      if (isUnbelievable(foundFacts)) refused(facts, errorClass ?? '')
    },
    emitted(facts, emission) {
      const { status, reason } = namesOf(emission)
      outcomes.inc({ status, reason })
      logger.info({ ...idsOf(facts), status, reason }, 'payment changed its status')
    },
    lost(facts, attempt) {
      lost.inc()
      logger.warn(
        { ...idsOf(facts), attempt },
        'an attempt has no sender any more and may have left',
      )
    },
    atOtherPsp: (facts, psp) =>
      logger.error(
        { ...idsOf(facts), psp },
        'a payment waits for another PSP than the configured one: an operator must act',
      ),
    recordFailed(facts, error) {
      failed.inc()
      logger.warn({ ...idsOf(facts), err: error }, 'could not record an answer; retrying')
    },
    callFailed: (facts, error) =>
      logger.error(
        { ...idsOf(facts), err: error },
        'a call to the PSP failed by an internal error',
      ),
    circuitChanged(mode, key) {
      changes.inc({ state: mode })
      const of = key && { tenant_id: key.tenant, destination_bank: key.destination }
      logger.warn(
        { circuit: mode, ...of },
        key ? 'the circuit of a bank at the PSP changed' : 'the circuit of the PSP changed',
      )
    },
  }
}

function reportRefused(logger: Logger, metrics: Metrics): Observer['refused'] {
  const refused = metrics.counter(
    'psp_answers_refused_total',
    'Answers about a payment that cannot be believed.',
    ['error_class'],
  )
  return (facts, errorClass) => {
    refused.inc({ error_class: errorClass })
    logger.error(
      { ...idsOf(facts), error_class: errorClass },
      'an answer of the PSP about a payment cannot be believed: an operator must act',
    )
  }
}

/** Whether the class of a complete answer comes from its body and not from its HTTP status. */
function isUnbelievable({ answerBody, errorClass }: CallFacts): boolean {
  return answerBody !== null && errorClass !== null && !errorClass.startsWith('http_')
}

function createMeters(metrics: Metrics) {
  const seconds = metrics.histogram('psp_request_seconds', 'Time of a call to the PSP.', [
    'operation',
    'outcome',
  ])
  const retries = metrics.counter('psp_retries_total', 'Requests to pay after the first one.')
  const outcomes = metrics.counter('psp_payments_total', 'Payments by outcome.', [
    'status',
    'reason',
  ])
  const operator = metrics.counter(
    'psp_misconfigured_total',
    'Answers that only an operator can change: 401, 403 and the like.',
    ['error_class'],
  )
  const lost = metrics.counter('psp_attempts_lost_total', 'Attempts whose sender disappeared.')
  const failed = metrics.counter(
    'psp_records_failed_total',
    'Answers that had to wait for the database.',
  )
  const changes = metrics.counter('psp_circuit_changes_total', 'Changes of circuits.', ['state'])
  return { seconds, retries, outcomes, operator, lost, failed, changes }
}

const MODES = ['closed', 'open', 'half_open', 'trying'] as const

type Watched = Parameters<typeof watchState>[0]

function watchCircuits({ metrics, circuitMode, circuitCounts, waiting }: Watched): void {
  const state = '1 for the state the circuit of the whole PSP is in.'
  metrics.gauge('psp_circuit_state', state, ['state'], (gauge) => {
    for (const mode of MODES) gauge.set({ state: mode }, circuitMode() === mode ? 1 : 0)
  })
  const circuits = 'Circuits of tenants and banks that were called lately, by their state.'
  metrics.gauge('psp_circuits', circuits, ['state'], (gauge) => {
    const counts = circuitCounts()
    for (const mode of MODES) gauge.set({ state: mode }, counts.get(mode) ?? 0)
  })
  metrics.gauge(
    'psp_payments_waiting',
    'Due payments that wait for a free call or for their circuit.',
    [],
    (gauge) => gauge.set(waiting()),
  )
}

/** Gauges computed at each scrape: circuits, calls, payments that wait or are in doubt. */
export function watchState(deps: {
  db: Db
  metrics: Metrics
  circuitMode: () => CircuitMode
  circuitCounts: () => ReadonlyMap<CircuitMode, number>
  waiting: () => number
  inFlight: (operation: 'pay' | 'status') => number
}): void {
  const { db, metrics, inFlight } = deps
  watchCircuits(deps)
  metrics.gauge('psp_calls_in_flight', 'Calls under way.', ['operation'], (gauge) => {
    for (const operation of ['pay', 'status'] as const) {
      gauge.set({ operation }, inFlight(operation))
    }
  })
  metrics.gauges(
    [
      { name: 'psp_payments_in_doubt', help: 'Payments whose outcome is unknown.' },
      { name: 'psp_payments_in_doubt_oldest_seconds', help: 'Age of the oldest doubt.' },
    ],
    async ([count, oldest]) => {
      const doubts = await countInDoubt(db)
      count!.set(doubts.count)
      oldest!.set(doubts.oldestSeconds)
    },
  )
}

/** What it logs is caused by a timer or an answer of the PSP, as in its events (ADR 0017). */
const ACTOR = systemActor('processor')

function idsOf({ paymentId, traceparent }: PaymentFacts) {
  return {
    payment_id: paymentId,
    trace_id: traceparent === null ? undefined : traceIdOf(traceparent),
    actor: ACTOR,
  }
}

function namesOf(emission: Emission): { status: string; reason: string } {
  switch (emission.kind) {
    case 'completed':
      return { status: 'COMPLETED', reason: '' }
    case 'failed':
      return { status: 'FAILED', reason: emission.reason }
    case 'in_doubt':
      return { status: 'IN_DOUBT', reason: '' }
    default:
      return emission satisfies never
  }
}
