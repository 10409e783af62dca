import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { RequestDecision } from '../domain/decide-requests.ts'

/** Receives the decisions of a batch of requests after its commit. */
export type RequestObserver = (decisions: readonly RequestDecision[]) => void

/** Counts requests by their outcome and logs each accepted payment; `entered` counts its state. */
export function observeRequests(deps: {
  logger: Logger
  metrics: Metrics
  entered: ReturnType<Metrics['counter']>
}): RequestObserver {
  const { logger, metrics, entered } = deps
  const answers = metrics.counter(
    'payment_requests_total',
    'Payment requests by outcome: accepted, replayed, or the code of the refusal.',
    ['outcome'],
  )
  return (decisions) => {
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
          actor: event.actor,
          idempotency_key: event.idempotency_key,
          external_order_id: payment.externalOrderId,
        },
        'payment accepted',
      )
    }
  }
}

function outcomeOf(decision: RequestDecision): string {
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
