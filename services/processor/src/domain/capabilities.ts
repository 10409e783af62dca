/** Answers of a PSP that may mean that it did not accept a request. */
export type Refusing = 'unavailable' | 'rate_limited' | 'misconfigured'

/** What a PSP promises, on which the rules for its operations depend. Durations in milliseconds. */
export type Capabilities = {
  /** How long a repeat of a request is recognised by its idempotency key; null: for ever. */
  keyLifetimeMs: number | null
  /** By what a status query names an operation. Without a query, doubt ends by a callback only. */
  queryBy: 'our_id' | 'its_id' | 'none'
  /** Whether `not_found` proves that an operation whose requests were all answered did nothing. */
  notFoundProves: boolean
  /** The answers without a verdict that prove that the request was not and will not be accepted. */
  refusals: readonly Refusing[]
  /** How long after its completion a payment can be voided; null: never. */
  voidUntilMs: number | null
  /** How long after its completion a payment can be refunded; null: for ever. */
  refundWindowMs: number | null
  /** ISO 4217; null: every currency. */
  currencies: readonly string[] | null
  /** What a verified callback is: a verdict, or a hint that triggers a status query. */
  callbackTrust: 'verdict' | 'hint'
}
