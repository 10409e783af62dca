import { setTimeout as delay } from 'node:timers/promises'

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 2_000

/**
 * Repeats a request until it gets a response, with growing pauses and jitter; undefined if it gets
 * none within `retryTimeoutMs`. The request must be idempotent.
 */
export async function retryUntilResponse<T>(
  ask: () => Promise<T | undefined>,
  retryTimeoutMs: number,
): Promise<T | undefined> {
  const deadline = performance.now() + retryTimeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    const waitMs = pauseMs * (0.5 + Math.random() / 2)
    if (performance.now() + waitMs > deadline) return undefined
    await delay(waitMs)
  }
}
