import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { RefundRequestDecision } from '../../domain/decide-refund-requests.ts'

/** Receives the decisions of a batch of requests for refunds after its commit. */
export type RefundRequestObserver = (decisions: readonly RefundRequestDecision[]) => void

/** Counts requests by their outcome and logs each accepted refund; `entered` counts its state. */
export function observeRefundRequests(deps: {
  logger: Logger
  metrics: Metrics
  entered: ReturnType<Metrics['counter']>
}): RefundRequestObserver {
  const { logger, metrics, entered } = deps
  const answers = metrics.counter(
    'refund_requests_total',
    'Requests for refunds by outcome: accepted, replayed, or the code of the refusal.',
    ['outcome'],
  )
  return (decisions) => {
    for (const decision of decisions) {
      answers.inc({ outcome: outcomeOf(decision) })
      if (decision.kind !== 'accepted') continue
      const { refund, event } = decision
      entered.inc({ status: refund.status, reason: '' })
      const ids = { refund_id: refund.refundId, payment_id: refund.paymentId }
      const { traceId: trace_id, tenantId: tenant_id } = refund
      logger.info({ ...ids, trace_id, tenant_id, actor: event.actor }, 'refund accepted')
    }
  }
}

function outcomeOf(decision: RefundRequestDecision): string {
  if (decision.kind === 'refused' || decision.kind === 'rejected') return decision.code
  return decision.kind === 'accepted' ? 'accepted' : 'replayed'
}
