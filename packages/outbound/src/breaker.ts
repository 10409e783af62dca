import { backoffMs } from '@caudal/retry/backoff-ms.ts'

/**
 * Whether calls may leave. `half_open`: the pause is over and one call may try; `trying`: that call
 * is under way.
 */
export type CircuitMode = 'closed' | 'open' | 'half_open' | 'trying'

/** How long a breaker stays open before one call may try; a range grows while the trial fails. */
export type Pause = number | { first: number; most: number }

/** How a call began: as any call, or as the trial after a pause. */
export type Begun = 'call' | 'trial'

/** The state of a circuit, without what opens it. */
export interface Breaker {
  mode(): CircuitMode
  /** Until a call may try; 0 where one may now. */
  pausedForMs(): number
  /** Opens for the pause, or for so long. */
  open(forMs?: number): void
  close(): void
  /** Begins a call; null if none may begin. */
  begin(): Begun | null
  /** Ends what `begin` began: a trial closes the breaker or opens it again. */
  end(begun: Begun, failed: boolean): void
}

/** Creates a closed breaker. `onChange` receives each mode that a call or `open` leads to. */
export function createBreaker(pause: Pause, onChange: (mode: CircuitMode) => void): Breaker {
  let state: 'closed' | 'open' | 'trying' = 'closed'
  let opensAt = 0
  let failedTrials = 0

  function open(forMs = pauseMs()): void {
    opensAt = Date.now() + forMs
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
    mode: () => (state === 'open' && Date.now() >= opensAt ? 'half_open' : state),
    pausedForMs: () => (state === 'open' ? Math.max(0, opensAt - Date.now()) : 0),
    open,
    close,
    begin() {
      if (state === 'closed') return 'call'
      if (state === 'trying' || Date.now() < opensAt) return null
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
