import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'

/** Claims due rows repeatedly: when woken, and by polling. */
export interface Sweep {
  /** Starts a round now, or directly after the one in flight. */
  wake(): void
  /** Starts a round in this many milliseconds, when a row becomes due. */
  wakeIn(delayMs: number): void
  /** Starts no further round; resolves when the last one has ended. */
  stop(): Promise<void>
}

export interface SweepOptions {
  /** Claims due rows. Returns whether another round should follow at once. */
  round: () => Promise<boolean>
  /** The longest pause between two rounds. */
  pollMs?: number | undefined
  logger: Logger
}

const POLL_MS = 1_000
/** Timers are joined to these steps, so that rows that become due together are claimed so. */
const GRAIN_MS = 25
const BACKOFF = { baseMs: 200, mostMs: 5_000 }

/**
 * Starts the rounds at once. The rows hold what is due and when, so a lost timer costs at most one
 * poll. A round that fails is repeated after a pause that grows.
 */
export function startSweep({ round, pollMs = POLL_MS, logger }: SweepOptions): Sweep {
  const timers = new Map<number, NodeJS.Timeout>()
  let stopped = false
  let woken = false
  let endRest = (): void => {}
  let endPause = (): void => {}

  async function run(): Promise<void> {
    let failures = 0
    while (!stopped) {
      woken = false
      try {
        const again = await round()
        failures = 0
        if (again) continue
      } catch (error) {
        failures += 1
        logger.error({ err: error, failures }, 'could not claim due rows')
        await pause(backoffMs(BACKOFF, failures, Math.random()))
        continue
      }
      if (!woken) await pause(pollMs, (end) => (endRest = end))
    }
  }

  /** A stop ends every pause; `onBegin` receives what else may end it. */
  async function pause(delayMs: number, onBegin?: (end: () => void) => void): Promise<void> {
    if (stopped) return
    const { promise, resolve } = Promise.withResolvers<void>()
    endPause = resolve
    onBegin?.(resolve)
    const timer = setTimeout(resolve, delayMs)
    await promise
    clearTimeout(timer)
  }

  function wake(): void {
    woken = true
    endRest()
  }

  // Not at once: a round may use what the caller makes of this sweep.
  const running = Promise.resolve().then(run)
  return {
    wake,
    wakeIn(delayMs) {
      if (stopped) return
      const step = Math.ceil((performance.now() + Math.max(0, delayMs)) / GRAIN_MS)
      if (timers.has(step)) return
      const fire = (): void => {
        timers.delete(step)
        wake()
      }
      timers.set(step, setTimeout(fire, step * GRAIN_MS - performance.now()))
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      endPause()
      await running
    },
  }
}
