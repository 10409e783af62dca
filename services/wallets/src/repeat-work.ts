export interface RepeatedWork {
  /** What the last round that ended failed with; null when all is well. */
  lastFault(): unknown
  /** Resolves once nothing is under way. */
  stop(): Promise<void>
}

/** Does something at the start and again so long after each end; a round that fails is repeated. */
export function repeatWork(options: {
  pauseMs: number
  work: () => Promise<void>
  onFault: (fault: unknown) => void
}): RepeatedWork {
  const { pauseMs, work, onFault } = options
  let stopped = false
  let fault: unknown = null
  let timer: NodeJS.Timeout | undefined
  const round = async (): Promise<void> => {
    try {
      await work()
      fault = null
    } catch (error) {
      fault = error
      onFault(error)
    }
    if (stopped) return
    timer = setTimeout(() => {
      underWay = round()
    }, pauseMs)
    timer.unref()
  }
  let underWay = round()
  return {
    lastFault: () => fault,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await underWay
    },
  }
}
