/** What is done at a PSP: money is paid, given back, or a payment is undone before it settles. */
export type OperationKind = 'pay' | 'refund' | 'void'

type CommonFacts = {
  /** Names the operation for ever, also as its idempotency key. Of `pay`: the payment's id. */
  operationId: string
  paymentId: string
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

export type PaymentFacts = CommonFacts & { kind: 'pay'; walletTransactionId: string }

/** An operation that gives money of a payment back. */
export type ReversalFacts = CommonFacts & {
  kind: 'refund' | 'void'
  /** The refund that it carries out. */
  requestId: string
  /** 1 for the first operation of the refund, 2 for the one that follows a void in vain. */
  sequence: number
  /** The PSP's id of the payment; null only where nothing is ever sent. */
  gatewayTransactionId: string | null
  /** RFC 3339, from the event, so that a rebuilt request has the same bytes. */
  requestedAt: string
}

/** The constant facts of an operation, for its events and for its request to the PSP. */
export type OperationFacts = PaymentFacts | ReversalFacts
