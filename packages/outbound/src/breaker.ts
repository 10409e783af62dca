import { backoffMs } from '@caudal/retry/backoff-ms.ts'

/**
 * Whether calls may leave. `half_open`: the pause is over and one call may try; `trying`: that call
 * is under way.
 */
export type CircuitMode = 'closed' | 'open' | 'half_open' | 'trying'

/** Milliseconds that a breaker stays open before a trial; of a range, longer after each failure. */
export type Pause = number | { first: number; most: number }

/** `trial` is the one call that may begin after a pause; its end closes or opens the breaker. */
export type BegunCall = 'call' | 'trial'

/** The state of a circuit, without what opens it. */
export interface Breaker {
  mode(): CircuitMode
  /** Opens for its pause, or for `forMs`. */
  open(forMs?: number): void
  close(): void
  /** Begins a call; null while it is open or a trial is under way. */
  begin(): BegunCall | null
  /** Ends what `begin` began: a trial closes the breaker or opens it again. */
  end(begun: BegunCall, failed: boolean): void
}

/** Creates a closed breaker. `onChange` receives each mode that a call or `open` leads to. */
export function createBreaker(pause: Pause, onChange: (mode: CircuitMode) => void): Breaker {
  let state: 'closed' | 'open' | 'trying' = 'closed'
  let openUntil = 0
  let failedTrials = 0

  function open(forMs = pauseMs()): void {
    openUntil = Date.now() + forMs
    state = 'open'
    onChange('open')
  }

  function close(): void {
    failedTrials = 0
    state = 'closed'
    onChange('closed')
  }

  function pauseMs(): number {
    if (typeof pause === 'number') return pause
    const backoff = { baseMs: pause.first, mostMs: pause.most }
    return backoffMs(backoff, failedTrials + 1, Math.random())
  }

  return {
    mode: () => (state === 'open' && Date.now() >= openUntil ? 'half_open' : state),
    open,
    close,
    begin() {
      if (state === 'closed') return 'call'
      if (state === 'trying' || Date.now() < openUntil) return null
      state = 'trying'
      onChange('trying')
      return 'trial'
    },
    end(begun, failed) {
      if (begun === 'call') return
      if (!failed) {
        close()
        return
      }
      failedTrials += 1
      open()
    },
  }
}
