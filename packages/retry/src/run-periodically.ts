export interface PeriodicWork {
  /** What the last round that ended failed with; null when all is well. */
  lastFault(): unknown
  /** Aborts the signal of `work`. Resolves once nothing is under way. */
  stop(): Promise<void>
}

/**
 * Runs `work` at once and again `pauseMs` after each end. A round that fails is followed by the
 * next; one that returns `done` is the last.
 */
export function runPeriodically(options: {
  pauseMs: number
  work: (signal: AbortSignal) => Promise<'done' | void>
  onFault: (fault: unknown) => void
}): PeriodicWork {
  const { pauseMs, work, onFault } = options
  const stopping = new AbortController()
  let fault: unknown = null
  let timer: NodeJS.Timeout | undefined
  const round = async (): Promise<void> => {
    try {
      const result = await work(stopping.signal)
      fault = null
      if (result === 'done') return
    } catch (error) {
      fault = error
      onFault(error)
    }
    if (stopping.signal.aborted) return
    timer = setTimeout(() => {
      underWay = round()
    }, pauseMs)
    timer.unref()
  }
  let underWay = round()
  return {
    lastFault: () => fault,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await underWay
    },
  }
}
