import type { PaymentFinalized } from '@caudal/contracts/events.ts'

/** Older ends are recorded and not told: nobody wants a week of notices at once (rule 12). */
export const TOLD_WITHIN_MS = 24 * 60 * 60 * 1_000

/** Whether a payment's end is still worth a notice at `now` (milliseconds). */
export function isWorthTelling({ timestamp }: PaymentFinalized, now: number): boolean {
  return now - Date.parse(timestamp) <= TOLD_WITHIN_MS
}
