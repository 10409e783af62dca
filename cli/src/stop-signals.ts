import { constants } from 'node:os'

/** The first signal that asks this process to stop. */
export type StopSignals = {
  first: Promise<NodeJS.Signals>
  /** Aborts at the first signal. */
  aborted: AbortSignal
  /** Watches no more, and ends the process by the signal if one arrived. */
  release(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const SAME_SIGNAL_MS = 1_000

/**
 * Watches for the signals that end a command, so that it can clean up after the first. A later one
 * ends the process at once, unless it follows within a second: then it is the same Ctrl-C,
 * forwarded by npm or a launcher. `reason` is what the command fails with where it is aborted.
 */
export function watchStopSignals(
  reason = 'interrupted',
  now: () => number = () => performance.now(),
): StopSignals {
  const { promise: first, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const stopping = new AbortController()
  let received: { signal: NodeJS.Signals; atMs: number } | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (received === undefined) {
      received = { signal, atMs: now() }
      stopping.abort(new Error(reason))
      resolve(signal)
    } else if (now() - received.atMs > SAME_SIGNAL_MS) {
      process.exit(128 + constants.signals[signal])
    }
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    first,
    aborted: stopping.signal,
    release() {
      for (const signal of SIGNALS) process.off(signal, onSignal)
      if (received !== undefined) process.kill(process.pid, received.signal)
    },
  }
}
