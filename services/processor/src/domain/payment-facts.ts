/** What never changes about a payment: what its events carry and what the PSP is asked for. */
export type PaymentFacts = {
  paymentId: string
  tenantId: string
  accountId: string
  userId: string
  walletTransactionId: string
  amountMinor: bigint
  currency: string
  /** W3C trace context of the event that brought it. */
  traceparent: string | null
}
