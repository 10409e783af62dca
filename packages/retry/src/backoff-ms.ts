/** The first pause and the longest, in milliseconds. */
export interface Backoff {
  baseMs: number
  mostMs: number
}

/**
 * How long to wait after so many failures in a row (from 1): exponential, with jitter, so that
 * those who failed together do not come back together (F13). `random` is from 0 up to 1; the pause
 * is between half of the full one and all of it.
 */
export function backoffMs({ baseMs, mostMs }: Backoff, failures: number, random: number): number {
  const fullMs = Math.min(mostMs, baseMs * 2 ** Math.min(Math.max(0, failures - 1), 30))
  return fullMs * (0.5 + random / 2)
}
