import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@caudal/telemetry/logger.ts'

export type Sweep = {
  /** Ends the pause under way. */
  wake(): void
  /** Resolves when the last round has ended. */
  stop(): Promise<void>
}

const POLL_MS = 500
const MOST_PAUSE_MS = 5_000

/**
 * Calls `round` over and over: after each pause, or sooner when woken. The rows say what is due and
 * when, so a wake that is lost costs half a second.
 */
export function startSweep(round: () => Promise<void>, logger: Logger): Sweep {
  const stopping = new AbortController()
  let waiting = new AbortController()
  let woken = false

  const run = async (): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted) {
      const pauseMs = Math.min(MOST_PAUSE_MS, POLL_MS * 2 ** failures)
      if (!woken) await delay(pauseMs, undefined, { signal: waiting.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      waiting = new AbortController()
      woken = false
      try {
        await round()
        failures = 0
      } catch (error) {
        failures = Math.min(failures + 1, 10)
        logger.warn({ error, failures }, 'due notifications could not be taken')
      }
    }
  }
  const running = run()
  const wake = (): void => {
    if (woken) return
    woken = true
    waiting.abort()
  }
  return {
    wake,
    stop: async () => {
      stopping.abort()
      wake()
      await running
    },
  }
}
