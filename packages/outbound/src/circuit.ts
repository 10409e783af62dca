import { type BegunCall, type CircuitMode, createBreaker, type Pause } from './breaker.ts'
import { type Counts, createFailureWindow } from './failure-window.ts'

/** When a circuit opens and for how long. */
export interface CircuitSettings {
  /** Opens when more than this share of the calls failed, ... */
  threshold: number
  /** ... over this time, ... */
  windowMs: number
  /** ... and there were this many a second at least. */
  minimumPerSecond: number
  pauseMs: Pause
}

export interface CircuitOptions<R> extends CircuitSettings {
  /** Whether the result means that the peer is unavailable. A call that rejects always does. */
  isFailure: (result: R) => boolean
  onChange?: (mode: CircuitMode) => void
}

/** A circuit breaker in front of one peer. */
export interface Circuit<R> {
  mode(): CircuitMode
  /**
   * Makes the call and counts its result; answers with `refused` when the circuit is open or its
   * trial is under way. A call without a result (null) is no failure.
   */
  run<T extends R | null>(call: () => Promise<T>, refused: () => T): Promise<T>
}

/** Creates a closed circuit (P5, F13). After each pause exactly one call tries the peer. */
export function createCircuit<R>(options: CircuitOptions<R>): Circuit<R> {
  const breaker = createBreaker(options.pauseMs, (mode) => options.onChange?.(mode))
  const window = createFailureWindow(options.windowMs)

  function settle(begun: BegunCall, failed: boolean): void {
    window.add(failed)
    if (begun === 'trial' && !failed) window.clear()
    breaker.end(begun, failed)
    if (failed && breaker.mode() === 'closed' && opens(options, window.counts())) breaker.open()
  }

  return {
    mode: breaker.mode,
    async run(call, refused) {
      const begun = breaker.begin()
      if (begun === null) return refused()
      return counted(call, options.isFailure, (failed) => settle(begun, failed))
    },
  }
}

/** Whether so many calls and failures over the window open a circuit. */
export function opens(
  { threshold, windowMs, minimumPerSecond }: CircuitSettings,
  { calls, failures }: Counts,
): boolean {
  return calls >= (minimumPerSecond * windowMs) / 1_000 && failures > threshold * calls
}

/** Makes the call and reports whether it failed. */
export async function counted<R, T extends R | null>(
  call: () => Promise<T>,
  isFailure: (result: R) => boolean,
  settle: (failed: boolean) => void,
): Promise<T> {
  let failed = true
  try {
    const result = await call()
    failed = result !== null && isFailure(result)
    return result
  } finally {
    settle(failed)
  }
}

/** How many calls may begin: one while a trial is due, none while the circuit is open. */
export function admittedBy(mode: CircuitMode, free: number): number {
  switch (mode) {
    case 'closed':
      return Math.max(0, free)
    case 'half_open':
      return Math.min(1, Math.max(0, free))
    case 'trying':
    case 'open':
      return 0
    default:
      return mode satisfies never
  }
}
