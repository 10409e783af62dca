import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConstantBackoff,
  ExponentialBackoff,
  handleWhenResult,
  type IBackoff,
  type IBackoffFactory,
  SamplingBreaker,
} from 'cockatiel'

/**
 * Whether calls may leave. `half_open`: the pause is over and one call may try; `trying`: that call
 * is under way.
 */
export type CircuitMode = 'closed' | 'open' | 'half_open' | 'trying'

/** When a circuit opens and for how long. */
export interface CircuitSettings {
  /** Opens when more than this share of the calls failed, ... */
  threshold: number
  /** ... over this time, ... */
  windowMs: number
  /** ... and there were this many a second at least. */
  minimumPerSecond: number
  /** How long it stays open before one call may try; a range grows while the trial fails. */
  pauseMs: number | { first: number; most: number }
}

export interface CircuitOptions<R> extends CircuitSettings {
  /** Whether the result means that the peer is unavailable. A call that rejects always does. */
  isFailure: (result: R) => boolean
  /** What a call does during a trial call: wait for its end, or be refused. */
  whileTrying: 'wait' | 'refuse'
  onChange?: (mode: CircuitMode) => void
}

/** A circuit breaker in front of one peer. */
export interface Circuit<R> {
  mode(): CircuitMode
  /**
   * Makes the call and counts its result; answers with `refused` when the circuit is open. A call
   * without a result (null) is no failure.
   */
  run<T extends R | null>(call: () => Promise<T>, refused: () => T): Promise<T>
}

/** Creates a closed circuit (P5, F13). After each pause exactly one call tries the peer. */
export function createCircuit<R>(options: CircuitOptions<R>): Circuit<R> {
  const { threshold, windowMs: duration, minimumPerSecond: minimumRps, pauseMs } = options
  const pause = { ms: 0 }
  const failures = handleWhenResult(
    (result) => result !== null && options.isFailure(result as R),
  ).orWhen(() => true)
  const policy = circuitBreaker(failures, {
    halfOpenAfter: observed(
      typeof pauseMs === 'object'
        ? new ExponentialBackoff({ initialDelay: pauseMs.first, maxDelay: pauseMs.most })
        : new ConstantBackoff(pauseMs),
      pause,
    ),
    breaker: new SamplingBreaker({ threshold, duration, minimumRps }),
  })
  let openedAt = 0
  const mode = (): CircuitMode => {
    switch (policy.state) {
      case CircuitState.Closed:
        return 'closed'
      case CircuitState.HalfOpen:
        return 'trying'
      case CircuitState.Open:
        // The clock that the breaker itself uses, so that both agree when the pause is over.
        return Date.now() - openedAt < pause.ms ? 'open' : 'half_open'
      case CircuitState.Isolated:
        return 'open'
      default:
        return policy.state satisfies never
    }
  }
  policy.onBreak(() => {
    openedAt = Date.now()
  })
  policy.onStateChange(() => options.onChange?.(mode()))
  return {
    mode,
    async run(call, refused) {
      if (options.whileTrying === 'refuse' && policy.state === CircuitState.HalfOpen) {
        return refused()
      }
      try {
        return await policy.execute(call)
      } catch (error) {
        if (error instanceof BrokenCircuitError) return refused()
        throw error
      }
    },
  }
}

/** The same pauses; the current one is kept, since the breaker does not report it. */
function observed(backoff: IBackoffFactory<unknown>, pause: { ms: number }): Observed {
  return {
    next(context) {
      const next = backoff.next(context)
      pause.ms = next.duration
      return { duration: next.duration, next: observed(next, pause).next }
    },
  }
}

type Observed = { next(context: unknown): IBackoff<unknown> }

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
