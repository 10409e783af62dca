import type { Sent } from './adapter.ts'

/** What becomes of a request that the open circuit keeps back: it never left. */
export const CIRCUIT_OPEN: Sent = {
  outcome: { kind: 'not_sent', cause: 'circuit_open' },
  facts: { httpStatus: null, answerBody: null, latencyMs: 0, errorClass: 'circuit_open' },
}

/**
 * Whether the outcome counts against the PSP (P5): what is temporary or ambiguous does. Verdicts
 * never do, nor do 401 and 429: the PSP works then.
 */
export function isPspFailure({ outcome }: Sent): boolean {
  switch (outcome.kind) {
    case 'unavailable':
    case 'ambiguous':
      return true
    case 'not_sent':
      return outcome.cause === 'unreachable'
    case 'approved':
    case 'declined':
    case 'rate_limited':
    case 'misconfigured':
      return false
    default:
      return outcome satisfies never
  }
}
