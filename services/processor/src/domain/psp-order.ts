type CommonOrder = {
  operationId: string
  /** RFC 3339. Taken from the event, so that a rebuilt request has the same value. */
  requestedAt: string
  amount: string
  currency: string
}

/** Where money goes. */
export type MoneyDestination = { name: string; accountNumber: string; bankCode: string }

type OutgoingOrder = CommonOrder & {
  /** The operator's own account. */
  sourceAccountNumber: string
  destination: MoneyDestination
}

/** A payment as an adapter writes it down. */
export type PaymentOrder = OutgoingOrder & { kind: 'pay'; paymentId: string }

/** Money to an account, which belongs to no payment. */
export type PayoutOrder = OutgoingOrder & { kind: 'payout' }

/** A refund or a void of a payment that the PSP approved. */
export type ReversalOrder = CommonOrder & {
  kind: 'refund' | 'void'
  paymentId: string
  /** The PSP's id of the payment. */
  gatewayTransactionId: string
}

/** What an adapter freezes into the bytes of a request. */
export type PspOrder = PaymentOrder | PayoutOrder | ReversalOrder
