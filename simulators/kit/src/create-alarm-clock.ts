/** Work that runs when it is woken, and when its own next time has come. */
export interface AlarmClock {
  /** Runs the work soon, once more if it is under way. */
  wake(): void
  /** Runs the work; resolves after a run that began after the call. */
  runOnce(): Promise<void>
  /** Resolves once nothing is under way. */
  stop(): Promise<void>
}

const LONGEST_SLEEP_MS = 60_000

/**
 * Creates a clock that sleeps. `work` returns the milliseconds until it has more to do, or null if
 * only `wake` can bring more; `onFault` returns the pause after a fault.
 */
export function createAlarmClock(
  work: () => Promise<number | null>,
  onFault: (error: unknown) => number,
): AlarmClock {
  let timer: NodeJS.Timeout | undefined
  let underWay: Promise<void> | undefined
  let again = false
  let stopped = false
  let waiting: (() => void)[] = []

  async function run(): Promise<void> {
    let pauseMs: number | null
    do {
      again = false
      const served = waiting
      waiting = []
      pauseMs = await work().catch(onFault)
      for (const resolve of served) resolve()
    } while (again && !stopped)
    underWay = undefined
    if (pauseMs !== null && !stopped) sleep(pauseMs)
  }

  function sleep(pauseMs: number): void {
    timer = setTimeout(wake, Math.min(Math.max(0, Math.ceil(pauseMs)), LONGEST_SLEEP_MS))
    timer.unref()
  }

  function wake(): void {
    clearTimeout(timer)
    if (stopped) return
    if (underWay === undefined) underWay = run()
    else again = true
  }

  return {
    wake,
    runOnce() {
      if (stopped) return Promise.resolve()
      return new Promise((resolve) => {
        waiting.push(resolve)
        wake()
      })
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await underWay
      for (const resolve of waiting) resolve()
    },
  }
}
