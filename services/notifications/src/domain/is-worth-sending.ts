/** Older ends are not told any more: nobody wants a week of notices at once (rule 12). */
const SENT_WITHIN_MS = 24 * 60 * 60 * 1_000

/** Until when a user is told of the end of a payment, in milliseconds of Unix time. */
export function sendUntilMs(finalizedAtMs: number): number {
  return finalizedAtMs + SENT_WITHIN_MS
}

/** Whether the end of a payment is still worth a notice (rule 12). */
export function isWorthSending(finalizedAtMs: number, nowMs: number): boolean {
  return nowMs <= sendUntilMs(finalizedAtMs)
}
