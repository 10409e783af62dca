import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'

type Asked = Pick<Refund, 'refundId' | 'amountMinor' | 'origin'> &
  Partial<Pick<Refund, 'cause' | 'metadata' | 'traceId'>>

/** A refund of which nothing is known yet. Without a request its cause is `other`. */
export function newRefund(payment: Payment, { now, ...asked }: Asked & { now: Date }): Refund {
  const { paymentId, tenantId, userId, accountId, currency, traceId } = payment
  return {
    paymentId,
    tenantId,
    userId,
    accountId,
    currency,
    traceId,
    cause: 'other',
    metadata: {},
    ...asked,
    createdAt: now,
    updatedAt: now,
    status: 'PENDING',
    failureReason: null,
    version: 1,
    psp: null,
    pspAnswer: null,
    submittedAt: null,
    inDoubtAt: null,
    approvedAt: null,
    refusedAt: null,
    creditedAt: null,
    creditedTo: null,
    reversedAt: null,
    recapturedAt: null,
    recapturedFrom: null,
  }
}
