/** Tracks delayed responses, so that a stop can end them at once. */
export interface PendingDelays {
  /** Resolves after the delay, or at once when the simulator stops. */
  wait(delayMs: number): Promise<void>
  /** Ends every delay, now and from now on. */
  release(): void
}

/** Creates an empty tracker. */
export function createPendingDelays(): PendingDelays {
  const delays = new Map<NodeJS.Timeout, () => void>()
  let released = false
  return {
    wait(delayMs) {
      if (delayMs <= 0 || released) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        delays.delete(timer)
        resolve()
      }, delayMs)
      delays.set(timer, resolve)
      return promise
    },
    release() {
      released = true
      for (const [timer, resolve] of delays) {
        clearTimeout(timer)
        resolve()
      }
      delays.clear()
    },
  }
}
