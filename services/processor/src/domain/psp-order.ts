type CommonOrder = {
  operationId: string
  paymentId: string
  /** RFC 3339. Taken from the event, so that a rebuilt request has the same value. */
  requestedAt: string
  amount: string
  currency: string
}

/** A payment as an adapter writes it down. */
export type PaymentOrder = CommonOrder & {
  kind: 'pay'
  /** The operator's own account. */
  sourceAccountNumber: string
  destination: { name: string; accountNumber: string; bankCode: string }
}

/** A refund or a void of a payment that the PSP approved. */
export type ReversalOrder = CommonOrder & {
  kind: 'refund' | 'void'
  /** The PSP's id of the payment. */
  gatewayTransactionId: string
}

/** What an adapter freezes into the bytes of a request. */
export type PspOrder = PaymentOrder | ReversalOrder
