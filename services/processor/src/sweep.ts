import type { Logger } from '@caudal/telemetry/logger.ts'

export type Sweep = {
  /** Says that something will be due in so many milliseconds. */
  wakeIn(delayMs: number): void
  stop(): Promise<void>
}

const POLL_MS = 1_000
/** Wishes to be woken are joined to these steps, so that retries go in batches. */
const GRAIN_MS = 25
const BACKOFF_MS = { base: 100, most: 5_000 }

/**
 * Takes what is due, over and over: when woken, and by a poll, since the rows and not the timers
 * say when. `take` returns how many it took; while it takes some it is called again.
 */
export function startSweep(take: () => Promise<number>, logger: Logger): Sweep {
  const timers = new Map<number, NodeJS.Timeout>()
  let stopped = false
  let asked = true
  let wake = (): void => {}

  function ask(): void {
    asked = true
    wake()
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!stopped) {
      asked = false
      try {
        const taken = await take()
        failures = 0
        if (taken > 0) continue
      } catch (error) {
        failures += 1
        logger.error({ error, failures }, 'due payments could not be taken')
        const backoffMs = BACKOFF_MS.base * 2 ** Math.min(failures, 10)
        await nap(Math.min(BACKOFF_MS.most, backoffMs))
        continue
      }
      if (!asked && !stopped) await nap(POLL_MS)
    }
  }

  async function nap(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    const timer = setTimeout(resolve, delayMs)
    await promise
    clearTimeout(timer)
    wake = () => {}
  }

  const running = run()
  return {
    wakeIn(delayMs) {
      if (stopped) return
      const slot = Math.ceil((performance.now() + Math.max(0, delayMs)) / GRAIN_MS)
      if (timers.has(slot)) return
      const fire = (): void => {
        timers.delete(slot)
        ask()
      }
      timers.set(slot, setTimeout(fire, slot * GRAIN_MS - performance.now()))
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      wake()
      await running
    },
  }
}
