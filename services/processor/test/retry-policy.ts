import type { RetryPolicy } from '../src/domain/retry-policy.ts'

/** The policy of tests of decisions: three retries, and times in the order of the defaults. */
export const policy: RetryPolicy = {
  timeoutMs: 5_000,
  graceMs: 500,
  maxRetries: 3,
  retryBaseMs: 250,
  retryMaxMs: 5_000,
  retryAfterMaxMs: 60_000,
  firstQueryMs: 1_000,
  queryMaxMs: 60_000,
  misconfiguredMs: 30_000,
  waitMs: 250,
  circuitWaitMs: 15_000,
}
