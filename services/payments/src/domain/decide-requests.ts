import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import type { PaymentRequested } from '@caudal/contracts/events/payments.ts'
import { accountIdOf } from '@caudal/contracts/ids.ts'
import { decideByKey } from '@caudal/idempotency/decide-by-key.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Payment, Status } from './payment.ts'

/** A request to pay an order, with the ids that it will use if it is accepted. */
export interface PaymentRequest {
  tenantId: string
  userId: string
  /** The caller: the user, or a client on behalf of the user. */
  actor: Actor
  /** A UUID in lower case, chosen by the client. */
  idempotencyKey: string
  /** Digest of the request; an idempotency key is bound to one (F2). */
  fingerprint: string
  /** In lower case. */
  externalOrderId: string
  paymentId: string
  eventId: string
  /** 32 hexadecimal digits. */
  traceId: string
}

/** The answer that an idempotency key is bound to: a replay has the same bytes. */
export interface StoredAnswer {
  fingerprint: string
  httpStatus: number
  body: string
  /** The accepted payment; null for a refusal. */
  paymentId: string | null
}

/** The payment that occupies an order: the one that has not failed. */
export interface OccupyingPayment {
  paymentId: string
  userId: string
  status: Status
}

/** An order of the requesting user, as the order service returns it. */
export interface OrderToPay {
  amountMinor: bigint
  currency: string
  serviceName: string
  serviceAccountNumber: string
  serviceBankCode: string
  paid: boolean
}

/** The stored data about the requests. */
export interface KnownRequests {
  /** By `requestKeyOf`. */
  answers: Map<string, StoredAnswer>
  /** By `orderOf`. */
  occupied: Map<string, OccupyingPayment>
}

/** Answers of the order service by `ownedOrderOf`; a missing order got no answer. */
export type KnownOrders = Map<string, OrderToPay | 'unknown'>

/** A refusal that is stored with the key and replayed like a success. */
export type PaymentRefusalCode = Extract<
  ErrorCode,
  'ORDER_ALREADY_PAID' | 'ORDER_PAYMENT_IN_PROGRESS' | 'DESTINATION_BLOCKED'
>

/** A rejection that stores nothing: the idempotency key can be used again. */
export type RejectionCode = Extract<
  ErrorCode,
  'IDEMPOTENCY_MISMATCH' | 'ORDER_NOT_FOUND' | 'RATE_LIMITED' | 'UNAVAILABLE'
>

export type RequestDecision =
  | { kind: 'accepted'; payment: Payment; event: PaymentRequested }
  | { kind: 'refused'; code: PaymentRefusalCode }
  | { kind: 'rejected'; code: RejectionCode }
  | { kind: 'replayed'; answer: StoredAnswer }
  /** Repeats the request at this index of the same batch, and gets its answer. */
  | { kind: 'repeated'; index: number }

/** An idempotency key within its tenant and principal (F2). UUIDs have a fixed length. */
export function requestKeyOf(
  request: Pick<PaymentRequest, 'tenantId' | 'userId' | 'idempotencyKey'>,
) {
  return `${request.userId} ${request.idempotencyKey} ${request.tenantId}`
}

/** An order within its tenant, for any user. */
export function orderOf(request: Pick<PaymentRequest, 'tenantId' | 'externalOrderId'>) {
  return `${request.externalOrderId} ${request.tenantId}`
}

/** An order as one user sees it: an order of another user is unknown. */
export function ownedOrderOf(
  request: Pick<PaymentRequest, 'tenantId' | 'userId' | 'externalOrderId'>,
) {
  return `${request.externalOrderId} ${request.userId} ${request.tenantId}`
}

/** Where an order pays to, within a tenant. */
export interface Destination {
  tenantId: string
  serviceBankCode: string
  serviceAccountNumber: string
}

/** A destination as one text; no part of it has a line break. */
export function destinationOf(destination: Destination): string {
  const { tenantId, serviceBankCode, serviceAccountNumber } = destination
  return `${tenantId}\n${serviceBankCode}\n${serviceAccountNumber}`
}

/** What a batch of requests is decided with, beside what is known of the requests. */
export interface RequestCircumstances {
  now: Date
  region: string
  /** By `destinationOf`; default: none. */
  blocked?: ReadonlySet<string>
}

/** Whether stored data decides: the idempotency key, or the user's own payment of the order. */
function isDecidedHere(request: PaymentRequest, known: KnownRequests): boolean {
  if (known.answers.has(requestKeyOf(request))) return true
  return known.occupied.get(orderOf(request))?.userId === request.userId
}

/** The requests whose order must be looked up, once per order and user. */
export function ordersToLookUp(
  requests: readonly PaymentRequest[],
  known: KnownRequests,
  orders: KnownOrders,
): PaymentRequest[] {
  const missing = new Map<string, PaymentRequest>()
  for (const request of requests) {
    const owned = ownedOrderOf(request)
    if (!orders.has(owned) && !isDecidedHere(request, known)) missing.set(owned, request)
  }
  return [...missing.values()]
}

function refusalOf(status: Status): PaymentRefusalCode {
  switch (status) {
    case 'PENDING':
    case 'RESERVED':
    case 'IN_DOUBT':
      return 'ORDER_PAYMENT_IN_PROGRESS'
    // Of the failed payments only one that is recovering occupies its order.
    case 'FAILED':
      return 'ORDER_PAYMENT_IN_PROGRESS'
    case 'COMPLETED':
      return 'ORDER_ALREADY_PAID'
    default:
      return status satisfies never
  }
}

function accept(
  request: PaymentRequest,
  order: OrderToPay,
  now: Date,
  region: string,
): RequestDecision {
  const { tenantId, userId, paymentId, externalOrderId } = request
  const accountId = accountIdOf(tenantId, userId, order.currency)
  const payment: Payment = {
    paymentId,
    tenantId,
    userId,
    accountId,
    externalOrderId,
    amountMinor: order.amountMinor,
    currency: order.currency,
    serviceName: order.serviceName,
    status: 'PENDING',
    reason: null,
    pspAnswer: null,
    traceId: request.traceId,
    createdAt: now,
    updatedAt: now,
    reservedAt: null,
    inDoubtAt: null,
    finalizedAt: null,
    psp: null,
    refundedMinor: 0n,
    pendingMinor: 0n,
    returnedMinor: 0n,
    serviceAccountNumber: order.serviceAccountNumber,
    serviceBankCode: order.serviceBankCode,
    lateCapture: null,
    keepsFacts: false,
  }
  const event: PaymentRequested = {
    event_id: request.eventId,
    event_type: 'payment.requested',
    timestamp: now.toISOString(),
    schema_version: schemaVersionOf('payment.requested'),
    actor: request.actor,
    region,
    tenant_id: tenantId,
    account_id: accountId,
    payment_id: paymentId,
    user_id: userId,
    external_order_id: externalOrderId,
    idempotency_key: request.idempotencyKey,
    payment_data: {
      amount: formatAmount(order.amountMinor, order.currency),
      currency: order.currency,
      service_name: order.serviceName,
      service_account_number: order.serviceAccountNumber,
      service_bank_code: order.serviceBankCode,
    },
  }
  return { kind: 'accepted', payment, event }
}

/** Decides a request whose idempotency key is not bound yet. */
function decideUnbound(
  request: PaymentRequest,
  occupying: OccupyingPayment | undefined,
  order: OrderToPay | 'unknown' | undefined,
  { now, region, blocked }: RequestCircumstances,
): RequestDecision {
  if (occupying?.userId === request.userId) {
    return { kind: 'refused', code: refusalOf(occupying.status) }
  }
  if (order === undefined) return { kind: 'rejected', code: 'UNAVAILABLE' }
  if (order === 'unknown') return { kind: 'rejected', code: 'ORDER_NOT_FOUND' }
  if (occupying) return { kind: 'refused', code: refusalOf(occupying.status) }
  if (order.paid) return { kind: 'refused', code: 'ORDER_ALREADY_PAID' }
  if (blocked?.has(destinationOf({ ...order, tenantId: request.tenantId }))) {
    return { kind: 'refused', code: 'DESTINATION_BLOCKED' }
  }
  return accept(request, order, now, region)
}

/**
 * Decides a batch of requests in order (P2, F2): each sees the decisions of those before it. The
 * idempotency key is checked before the order, so that a repeat needs only its key. `answers` and
 * `occupied` are not changed.
 */
export function decideRequests(
  requests: readonly PaymentRequest[],
  known: KnownRequests,
  orders: KnownOrders,
  circumstances: RequestCircumstances,
): RequestDecision[] {
  const bound = new Map<string, number>()
  const taken = new Map<string, OccupyingPayment>()
  return requests.map((request, index) => {
    const key = requestKeyOf(request)
    const answer = known.answers.get(key)
    const earlier = bound.get(key)
    const first = earlier === undefined ? undefined : requests[earlier]
    const byKey = decideByKey(answer ?? first, request.fingerprint)
    if (byKey.kind === 'mismatch') return { kind: 'rejected', code: 'IDEMPOTENCY_MISMATCH' }
    if (answer) return { kind: 'replayed', answer }
    if (earlier !== undefined) return { kind: 'repeated', index: earlier }
    const order = orderOf(request)
    const decision = decideUnbound(
      request,
      taken.get(order) ?? known.occupied.get(order),
      orders.get(ownedOrderOf(request)),
      circumstances,
    )
    if (decision.kind === 'accepted') taken.set(order, decision.payment)
    if (decision.kind !== 'rejected') bound.set(key, index)
    return decision
  })
}
