import type { Sent } from './psp-client.ts'

/** The outcome of a request that the open circuit refused: it was not sent. */
export const CIRCUIT_OPEN: Sent = {
  outcome: { kind: 'not_sent', cause: 'circuit_open' },
  facts: { httpStatus: null, answerBody: null, latencyMs: 0, errorClass: 'circuit_open' },
}

/**
 * Whether the outcome counts as a failure of the PSP (P5). Temporary and ambiguous outcomes do.
 * Verdicts, 401 and 429 do not, because they show that the PSP works.
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
    case 'pending':
    case 'rate_limited':
    case 'misconfigured':
      return false
    default:
      return outcome satisfies never
  }
}
