/** Older ends are not sent, so that no backlog of a week reaches the user (rule 12). */
const SENT_WITHIN_MS = 24 * 60 * 60 * 1_000

/** The last time to notify of the end of a payment, in milliseconds of Unix time. */
export function sendUntilMs(finalizedAtMs: number): number {
  return finalizedAtMs + SENT_WITHIN_MS
}

/** Whether the end of a payment is still worth a notification (rule 12). */
export function isWorthSending(finalizedAtMs: number, nowMs: number): boolean {
  return nowMs <= sendUntilMs(finalizedAtMs)
}
