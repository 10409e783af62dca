import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import {
  type RequestDecision,
  type OrderToPay,
  ownedOrderOf,
} from '../src/domain/decide-requests.ts'
import type { PaymentRequestOutcome } from '../src/requests/answer-request.ts'
import type { TracedRequest } from '../src/requests/payment-request.ts'
import type { TracedRefundRequest } from '../src/requests/refunds/refund-request.ts'
import {
  createPaymentRequests,
  type PaymentRequests,
  type RequestPaymentsDeps,
} from '../src/requests/request-payments.ts'

/** An unpaid order, as the order service returns it. */
export const ORDER: OrderToPay = {
  amountMinor: 10050n,
  currency: 'USD',
  serviceName: 'Water',
  serviceAccountNumber: '0001',
  serviceBankCode: 'BNK1',
  paid: false,
}

/** A request of a new user to pay a new order. */
export function ask(over: Partial<TracedRequest> = {}): TracedRequest {
  const userId = over.userId ?? newId()
  return {
    tenantId: 'caudal',
    userId,
    actor: { type: 'user', id: userId },
    idempotencyKey: newId(),
    fingerprint: 'ab'.repeat(32),
    externalOrderId: newId(),
    paymentId: newId(),
    eventId: newId(),
    traceId: newId().replaceAll('-', ''),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ...over,
  }
}

/** Payment requests without HTTP over a database; every order is `ORDER` by default. */
export function requestsOver(
  db: Db,
  over: Partial<RequestPaymentsDeps> = {},
): PaymentRequests & { committed: RequestDecision['kind'][] } {
  const committed: RequestDecision['kind'][] = []
  const requests = createPaymentRequests({
    db,
    region: 'test',
    refusalsPerDay: 100,
    lookUpOrders: async (wanted) => new Map(wanted.map((it) => [ownedOrderOf(it), ORDER])),
    afterCommit: (decisions) => committed.push(...decisions.map(({ kind }) => kind)),
    ...over,
  })
  return { ...requests, committed }
}

/** An outcome in short. */
export function show(outcome: PaymentRequestOutcome): [status: number, replayed: boolean] | string {
  if (outcome.kind === 'rejected') return outcome.code
  return [outcome.answer.httpStatus, outcome.replayed]
}

/** A request of a client for a refund. */
export function askRefund(
  over: Pick<TracedRefundRequest, 'paymentId' | 'amount'>,
): TracedRefundRequest {
  return {
    tenantId: 'caudal',
    clientId: 'desk',
    actor: { type: 'client', id: 'desk' },
    idempotencyKey: newId(),
    fingerprint: 'ab'.repeat(32),
    cause: 'other',
    metadata: {},
    refundId: newId(),
    eventId: newId(),
    traceId: newId().replaceAll('-', ''),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ...over,
  }
}
