export type PauseGate = {
  /** How long it stays shut; 0 when open. */
  shutForMs(): number
  /** The peer gave no usable answer: shut, longer each time in a row. */
  failed(): void
  passed(): void
}

const PAUSE_MS = { base: 250, most: 10_000 }

/**
 * Keeps everybody from a peer that does not answer: after a failure nobody asks for a while, then
 * one batch does (F13). Starts open.
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
      const most = Math.min(PAUSE_MS.most, PAUSE_MS.base * 2 ** Math.min(failures, 10))
      shutUntilMs = now() + most * (0.5 + random() / 2)
    },
    passed() {
      failures = 0
      shutUntilMs = 0
    },
  }
}
