import { hash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import type { refundRequest } from '@caudal/contracts/refund-views.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { Static } from 'typebox'
import type { RefundRequest } from '../../domain/decide-refund-requests.ts'
import { type IdentifiedRequest, serviceTenantOf } from '../caller.ts'
import { idempotencyKeyOf } from '../payment-request.ts'

/** A request with the trace that its event continues. */
export type TracedRefundRequest = RefundRequest & { traceparent: string }

/** The request of a client with its ids, from headers and body. */
export function refundRequestOf(
  request: IdentifiedRequest & { traceparent: string },
  paymentId: string,
  body: Static<typeof refundRequest.body>,
): TracedRefundRequest {
  const { amount, reason: cause, metadata = {} } = body
  const { traceparent } = request
  return {
    tenantId: serviceTenantOf(request),
    clientId: identityOf(request).subject,
    actor: actorOf(identityOf(request)),
    idempotencyKey: idempotencyKeyOf(request),
    fingerprint: hash('sha256', JSON.stringify(contentOf(paymentId, body)), 'hex'),
    paymentId,
    amount,
    cause,
    metadata,
    refundId: newId(),
    eventId: newId(),
    traceId: traceIdOf(traceparent),
    traceparent,
  }
}

/** What makes two requests the same: members in another order are no other request. */
function contentOf(paymentId: string, body: Static<typeof refundRequest.body>) {
  const { amount = null, reason, metadata = {} } = body
  const sorted = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return ['POST /v1/payments/{id}/refunds', paymentId, amount, reason, sorted]
}
