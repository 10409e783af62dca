import { setTimeout as delay } from 'node:timers/promises'

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 2_000

/**
 * Asks until there is an answer, with growing pauses and jitter between the tries; undefined when
 * none came in `patienceMs`. A client that did not hear an answer repeats with its key and learns
 * it: the request must be idempotent.
 */
export async function repeatUntilAnswered<T>(
  ask: () => Promise<T | undefined>,
  patienceMs: number,
): Promise<T | undefined> {
  const deadline = performance.now() + patienceMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    const waitMs = pauseMs * (0.5 + Math.random() / 2)
    if (performance.now() + waitMs > deadline) return undefined
    await delay(waitMs)
  }
}
