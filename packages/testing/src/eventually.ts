import { setTimeout as pause } from 'node:timers/promises'
import { slowness } from './slowness.ts'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50

/** Limits and labels a wait. */
export interface EventuallyOptions {
  /** For an idle machine; a slow or busy one has as many times as long as it is slower. */
  timeoutMs?: number
  /** The condition's name in the error. */
  label?: string
  /** How many times slower the machine is than an idle one, asked when the time is over. */
  slower?: () => number
}

/**
 * Repeats `check` until it returns a value other than undefined, null or false, and returns that
 * value. A check that throws is repeated too, so it may contain assertions.
 *
 * @throws {Error} after `timeoutMs` (15 s by default, more on a slow machine), with the last error
 *   as its cause
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 15_000, label = 'the condition', slower = slowness }: EventuallyOptions = {},
): Promise<Exclude<Awaited<T>, undefined | null | false | void>> {
  const startedAt = performance.now()
  let deadline = startedAt + timeoutMs
  let cause: unknown
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      const value = await check()
      cause = undefined
      if (isPresent(value)) return value
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) deadline = startedAt + timeoutMs * slower()
    if (performance.now() >= deadline) {
      const reason = cause instanceof Error ? `: ${cause.message}` : ''
      const waited = Math.round(performance.now() - startedAt)
      throw new Error(`Timed out after ${waited} ms: ${label}${reason}`, { cause })
    }
    await pause(pauseMs)
  }
}

function isPresent<V>(value: V): value is Exclude<V, undefined | null | false | void> {
  return value !== undefined && value !== null && value !== false
}
