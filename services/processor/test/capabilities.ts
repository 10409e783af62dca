import type { Capabilities } from '../src/domain/capabilities.ts'

/** A PSP that promises all that the source document's PSP does. */
export const capabilities: Capabilities = {
  keyLifetimeMs: null,
  queryBy: 'our_id',
  notFoundProves: true,
  refusals: [],
  voidUntilMs: 900_000,
  refundWindowMs: null,
  currencies: null,
  callbackTrust: 'verdict',
}
