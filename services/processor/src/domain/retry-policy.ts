import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import type { Capabilities } from './capabilities.ts'

/** When to try again and when to give up; all times in milliseconds. */
export type RetryPolicy = {
  /** From the SENDING commit to the end of waiting for the answer; also for a status query. */
  timeoutMs: number
  /** How long after its deadline an attempt or query of a lost holder is taken over. */
  graceMs: number
  /** Attempts after the first one, for temporary failures (P5). */
  maxRetries: number
  retryBaseMs: number
  retryMaxMs: number
  /** The longest Retry-After that is honoured. */
  retryAfterMaxMs: number
  /** Longest time from doubt to the first status query. */
  firstQueryMs: number
  queryMaxMs: number
  /** Pause after 401, 403 and the like. */
  misconfiguredMs: number
  /** Pause of an operation that cannot be sent because no call is free. */
  waitMs: number
  /** How long an operation that is due waits for an open circuit before it fails. */
  circuitWaitMs: number
}

/** Inputs of a decision besides the operation; `jitter` is in [0, 1). */
export type DecisionContext = {
  now: number
  jitter: number
  policy: RetryPolicy
  capabilities: Capabilities
}

/** Exponential with jitter, half of it fixed (F13); never sooner than the PSP's Retry-After. */
export function pspRetryDelayMs(
  { policy, jitter }: DecisionContext,
  failures: number,
  retryAfterMs: number | null,
): number {
  const backoff = { baseMs: policy.retryBaseMs, mostMs: policy.retryMaxMs }
  const delayMs = Math.ceil(backoffMs(backoff, failures, jitter))
  return Math.max(delayMs, Math.min(retryAfterMs ?? 0, policy.retryAfterMaxMs))
}

/** Exponential with jitter, after `queries` status queries, without an end. */
export function queryDelayMs({ policy, jitter }: DecisionContext, queries: number): number {
  const backoff = { baseMs: policy.firstQueryMs, mostMs: policy.queryMaxMs }
  return Math.ceil(backoffMs(backoff, queries + 1, jitter))
}
