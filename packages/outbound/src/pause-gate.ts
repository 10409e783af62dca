import { backoffMs } from '@caudal/retry/backoff-ms.ts'

/** Pauses calls to a peer that does not answer. */
export interface PauseGate {
  /** How long the gate stays shut, in milliseconds; 0 if open. */
  shutForMs(): number
  /** The peer gave no usable answer: shuts the gate, longer after each failure in a row. */
  failed(): void
  passed(): void
}

const PAUSE = { baseMs: 500, mostMs: 10_000 }

/**
 * A gate for calls that go in batches: after a failure no call is made for a pause, then one batch
 * is (F13). Starts open.
 */
export function createPauseGate(
  random: () => number = Math.random,
  now: () => number = performance.now.bind(performance),
): PauseGate {
  let failures = 0
  let shutUntilMs = 0
  return {
    shutForMs: () => Math.max(0, shutUntilMs - now()),
    failed() {
      failures += 1
      shutUntilMs = now() + backoffMs(PAUSE, failures, random())
    },
    passed() {
      failures = 0
      shutUntilMs = 0
    },
  }
}
