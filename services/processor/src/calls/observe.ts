import { systemActor } from '@caudal/contracts/actor.ts'
import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { CallFacts, Found, Sent } from '../psp/psp-client.ts'

/** Metrics and logs of operations and calls. */
export type Observer = {
  sent(facts: OperationFacts, attempt: number, sent: Sent): void
  found(facts: OperationFacts, query: number, found: Found): void
  /** The PSP stated something about the operation that cannot be true. */
  refused(facts: OperationFacts, errorClass: string): void
  /** A status of an operation was committed with its event. */
  emitted(facts: OperationFacts, emission: Emission): void
  /** An attempt was still SENDING after its deadline. */
  lost(facts: OperationFacts, attempt: number): void
  /** The operation was sent to this PSP, which is not the one that is configured. */
  atOtherPsp(facts: OperationFacts, psp: string | null): void
  recordFailed(facts: OperationFacts, error: unknown): void
  callFailed(facts: OperationFacts, error: unknown): void
  /** The circuit of a tenant and bank, or of the whole PSP (null). */
  circuitChanged(mode: CircuitMode, of: { psp: string; key: CallKey | null }): void
}

/** Metrics of P5: latency of the PSP, success and failure, retries; logs with payment_id. */
export function createObserver({
  logger,
  metrics,
}: {
  logger: Logger
  metrics: Metrics
}): Observer {
  const { seconds, retries, operator, lost, failed, changes } = createMeters(metrics)
  const refused = reportRefused(logger, metrics)
  return {
    refused,
    sent(facts, attempt, { outcome, facts: sentFacts }) {
      const { latencyMs, errorClass, httpStatus } = sentFacts
      seconds.observe({ operation: facts.kind, outcome: outcome.kind }, latencyMs / 1000)
      if (attempt > 1) retries.inc()
      const { kind } = outcome
      if (kind === 'approved' || kind === 'declined' || kind === 'pending') return
      const what = { ...idsOf(facts), attempt, outcome: kind, error_class: errorClass }
      if (kind === 'misconfigured') {
        operator.inc({ error_class: errorClass ?? '' })
        logger.error(
          { ...what, http_status: httpStatus },
          'the PSP refused our credentials or request: an operator must act',
        )
      } else logger.warn(what, 'request to the PSP without a verdict')
      if (isUnbelievable(sentFacts)) refused(facts, errorClass ?? '')
    },
    found(facts, query, { answer, facts: foundFacts }) {
      const { latencyMs, errorClass } = foundFacts
      const operation = queryNameOf(facts)
      seconds.observe({ operation, outcome: answer.kind }, latencyMs / 1000)
      const what = { ...idsOf(facts), query, answer: answer.kind, error_class: errorClass }
      logger.info(what, 'queried the status of an operation')
      if (isUnbelievable(foundFacts)) refused(facts, errorClass ?? '')
    },
    emitted: reportEmitted(logger, metrics),
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
        'an operation waits for another PSP than the configured one: an operator must act',
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
    circuitChanged(mode, { psp, key }) {
      changes.inc({ state: mode })
      const of = key && { tenant_id: key.tenant, destination_bank: key.destination }
      logger.warn(
        { circuit: mode, psp, ...of },
        key ? 'the circuit of a bank at the PSP changed' : 'the circuit of the PSP changed',
      )
    },
  }
}

function reportEmitted(logger: Logger, metrics: Metrics): Observer['emitted'] {
  const labels = ['status', 'reason']
  const payments = metrics.counter('psp_payments_total', 'Payments by outcome.', labels)
  const refunds = metrics.counter('psp_refunds_total', 'Refunds by outcome.', labels)
  const payouts = metrics.counter('psp_payouts_total', 'Payouts by outcome.', labels)
  const ofRefunds = { counter: refunds, what: 'refund' }
  const counters = {
    pay: { counter: payments, what: 'payment' },
    refund: ofRefunds,
    void: ofRefunds,
    payout: { counter: payouts, what: 'payout' },
  } as const
  return (facts, emission) => {
    const { status, reason } = namesOf(emission)
    const { counter, what } = counters[facts.kind]
    counter.inc({ status, reason })
    logger.info({ ...idsOf(facts), status, reason }, `${what} changed its status`)
  }
}

function reportRefused(logger: Logger, metrics: Metrics): Observer['refused'] {
  const refused = metrics.counter(
    'psp_answers_refused_total',
    'Answers about an operation that cannot be believed.',
    ['error_class'],
  )
  return (facts, errorClass) => {
    refused.inc({ error_class: errorClass })
    logger.error(
      { ...idsOf(facts), error_class: errorClass },
      'an answer of the PSP cannot be believed: an operator must act',
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
  const retries = metrics.counter('psp_retries_total', 'Requests after the first one.')
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
  return { seconds, retries, operator, lost, failed, changes }
}

/** What it logs is caused by a timer or an answer of the PSP, as in its events (ADR 0017). */
const ACTOR = systemActor('processor')

function idsOf(facts: OperationFacts) {
  const { paymentId, traceparent } = facts
  return {
    ...(paymentId !== null && { payment_id: paymentId }),
    ...(facts.kind === 'payout' && { payout_id: facts.requestId }),
    ...((facts.kind === 'refund' || facts.kind === 'void') && { refund_id: facts.requestId }),
    ...(facts.kind !== 'pay' && { operation: facts.kind }),
    trace_id: traceparent === null ? undefined : traceIdOf(traceparent),
    actor: ACTOR,
  }
}

/** The name of a status query in metrics. */
function queryNameOf({ kind }: OperationFacts): string {
  return kind === 'pay' ? 'status' : `${kind}_status`
}

function namesOf(emission: Emission): { status: string; reason: string } {
  switch (emission.kind) {
    case 'completed':
      return { status: 'COMPLETED', reason: '' }
    case 'failed':
      return { status: 'FAILED', reason: emission.reason }
    case 'refused':
      return { status: 'FAILED', reason: emission.reason }
    case 'in_doubt':
      return { status: 'IN_DOUBT', reason: '' }
    case 'submitted':
      return { status: 'SUBMITTED', reason: '' }
    case 'canceled':
      return { status: 'CANCELED', reason: '' }
    case 'late_success':
      return { status: 'SUCCEEDED_LATE', reason: '' }
    case 'reversed':
      return { status: 'REVERSED', reason: '' }
    case 'returned':
      return { status: 'RETURNED', reason: '' }
    case 'disputed':
      return { status: 'DISPUTED', reason: emission.outcome ?? '' }
    case 'contradicted':
      return { status: 'CONTRADICTED', reason: emission.contradiction }
    default:
      return emission satisfies never
  }
}
