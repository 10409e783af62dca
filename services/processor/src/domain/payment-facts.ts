/** The constant facts of a payment, for its events and for the request to the PSP. */
export type PaymentFacts = {
  paymentId: string
  tenantId: string
  accountId: string
  userId: string
  walletTransactionId: string
  amountMinor: bigint
  currency: string
  /** The bank that receives the money; empty in payments of earlier releases. */
  destinationBank: string
  /** W3C trace context of the event that started the payment. */
  traceparent: string | null
}
