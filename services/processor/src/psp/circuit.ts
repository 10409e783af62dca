import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  handleWhenResult,
  SamplingBreaker,
} from 'cockatiel'
import type { Sent } from './adapter.ts'

/**
 * Whether requests may leave. `half_open`: the pause is over and one request may try; `trying`: it
 * is under way, and the others wait for it instead of failing.
 */
export type CircuitMode = 'closed' | 'open' | 'half_open' | 'trying'

export type CircuitOptions = {
  /** Opens when more than this share of the requests failed, ... */
  threshold: number
  /** ... over this time, ... */
  windowMs: number
  /** ... and there were this many a second at least. */
  minimumPerSecond: number
  /** How long it stays open before one request may try. */
  pauseMs: number
  onChange?: (mode: CircuitMode) => void
}

export type Circuit = {
  mode: () => CircuitMode
  /** Runs the call and counts its outcome, or says `not_sent` when the circuit has opened. */
  run: (call: () => Promise<Sent>) => Promise<Sent>
}

const OPEN: Sent = {
  outcome: { kind: 'not_sent', cause: 'circuit_open' },
  facts: { httpStatus: null, answerBody: null, latencyMs: 0, errorClass: 'circuit_open' },
}

/**
 * The circuit breaker in front of the PSP (P5). It counts what is temporary or ambiguous; verdicts
 * never, nor 401 and 429: the PSP is well then.
 */
export function createCircuit(options: CircuitOptions): Circuit {
  const { threshold, windowMs: duration, minimumPerSecond: minimumRps, pauseMs } = options
  const failures = handleWhenResult((result) => isFailure(result as Sent))
  const breaker = new SamplingBreaker({ threshold, duration, minimumRps })
  const policy = circuitBreaker(failures, { halfOpenAfter: pauseMs, breaker })
  let openedAt = 0
  const mode = (): CircuitMode => {
    switch (policy.state) {
      case CircuitState.Closed:
        return 'closed'
      case CircuitState.HalfOpen:
        return 'trying'
      case CircuitState.Open:
        return Date.now() - openedAt < pauseMs ? 'open' : 'half_open'
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
    async run(call) {
      try {
        return await policy.execute(call)
      } catch (error) {
        if (error instanceof BrokenCircuitError) return OPEN
        throw error
      }
    },
  }
}

function isFailure({ outcome }: Sent): boolean {
  switch (outcome.kind) {
    case 'unavailable':
    case 'ambiguous':
      return true
    case 'not_sent':
      return outcome.cause === 'unreachable'
    case 'approved':
    case 'declined':
    case 'rate_limited':
    case 'misconfigured':
      return false
    default:
      return outcome satisfies never
  }
}
