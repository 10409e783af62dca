/**
 * What is done at a PSP: a payment is made, money of it goes back, or it is undone before it
 * settles; money is paid out.
 */
export type OperationKind = 'pay' | 'refund' | 'void' | 'payout'

type CommonFacts = {
  /** Names the operation for ever, also as its idempotency key. Of `pay`: the payment's id. */
  operationId: string
  tenantId: string
  accountId: string
  userId: string
  amountMinor: bigint
  currency: string
  /** The bank that received or receives the money; empty in payments of earlier releases. */
  destinationBank: string
  /** W3C trace context of the event that started the operation. */
  traceparent: string | null
}

export type PaymentFacts = CommonFacts & {
  kind: 'pay'
  paymentId: string
  walletTransactionId: string
}

type RequestFacts = CommonFacts & {
  /** The refund or payout that it carries out. */
  requestId: string
  /** 1 for the first operation of the request, 2 for the one that follows a void in vain. */
  sequence: number
  /** RFC 3339, from the event, so that a rebuilt request has the same bytes. */
  requestedAt: string
}

/** An operation that moves money of a payment back. */
export type ReversalFacts = RequestFacts & {
  kind: 'refund' | 'void'
  paymentId: string
  /** The PSP's id of the payment; null only where nothing is ever sent. */
  gatewayTransactionId: string | null
}

/** Money to an account, which belongs to no payment. */
export type PayoutFacts = RequestFacts & {
  kind: 'payout'
  paymentId: null
  gatewayTransactionId: null
}

/** What is asked for by a request of its own, beside payments. */
export type RequestedFacts = ReversalFacts | PayoutFacts

/** The constant facts of an operation, for its events and for its request to the PSP. */
export type OperationFacts = PaymentFacts | RequestedFacts
