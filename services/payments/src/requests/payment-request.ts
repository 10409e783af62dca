import { hash } from 'node:crypto'
import { isUuid, newId } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'
import { readKeyHeader } from '@caudal/http/read-key-header.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { PaymentRequest } from '../domain/decide-requests.ts'
import { type IdentifiedRequest, ownerOf } from './caller.ts'

/** A request with the trace that its event continues. */
export type TracedRequest = PaymentRequest & { traceparent: string }

type TracedCall = IdentifiedRequest & { traceparent: string }

/** The request with its ids, from headers and body. */
export function paymentRequestOf(request: TracedCall, orderId: string): TracedRequest {
  const externalOrderId = orderId.toLowerCase()
  const { tenantId, userId } = ownerOf(request, SCOPE.paymentsWrite)
  const { traceparent } = request
  return {
    tenantId,
    userId,
    actor: actorOf(identityOf(request)),
    idempotencyKey: idempotencyKeyOf(request),
    fingerprint: hash('sha256', `POST /v1/payments external_order_id=${externalOrderId}`, 'hex'),
    externalOrderId,
    paymentId: paymentIdOf(request),
    eventId: newId(),
    traceId: traceIdOf(traceparent),
    traceparent,
  }
}

/**
 * The idempotency key of a request: a UUID in lower case.
 *
 * @throws {Problem} IDEMPOTENCY_KEY_REQUIRED, INVALID_IDEMPOTENCY_KEY
 */
export function idempotencyKeyOf(request: IdentifiedRequest): string {
  const key = readKeyHeader(request.headers, 'idempotency-key')
  if (typeof key === 'string' && isUuid(key)) return key.toLowerCase()
  throw new Problem('INVALID_IDEMPOTENCY_KEY', 'the idempotency-key must be one UUID (RFC 9562)')
}

/** The gateway creates the id for users; this service creates it for internal clients (P1). */
function paymentIdOf(request: IdentifiedRequest): string {
  const minted = request.headers['x-payment-id']
  const isGateway = identityOf(request).kind === 'user'
  return isGateway && typeof minted === 'string' && isUuid(minted) ? minted.toLowerCase() : newId()
}
