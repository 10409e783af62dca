import { setTimeout as pause } from 'node:timers/promises'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50

export interface EventuallyOptions {
  timeoutMs?: number
  /** What is waited for; named in the error. */
  label?: string
}

/**
 * Repeats `check` until it gives a value other than undefined, null or false, and returns that
 * value. A check that throws is "not yet" as well, so assertions can stand in it; the last error is
 * the cause of the timeout error.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 15_000, label = 'the condition' }: EventuallyOptions = {},
): Promise<Exclude<Awaited<T>, undefined | null | false | void>> {
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const value = await check()
      cause = undefined
      if (isThere(value)) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) {
      const reason = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(`Not within ${timeoutMs} ms: ${label}${reason}`, { cause })
    }
    await pause(pauseMs)
  }
}

function isThere<V>(value: V): value is Exclude<V, undefined | null | false | void> {
  return value !== undefined && value !== null && value !== false
}
