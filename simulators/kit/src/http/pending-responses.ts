import type { Socket } from 'node:net'

/** Tracks delayed and withheld responses, so that a stop can end them at once. */
export interface PendingResponses {
  /** Resolves after the delay, or at once when the simulator stops. */
  wait(delayMs: number): Promise<void>
  /** Keeps the connection open without a response until the caller closes it. */
  hold(socket: Socket): void
  /** Whether the simulator is stopping. */
  readonly released: boolean
  /** Number of connections held open. */
  readonly held: number
  /** Ends every delay and closes every held connection, now and from now on. */
  release(): void
}

/** Creates an empty tracker. */
export function createPendingResponses(): PendingResponses {
  const delays = new Map<NodeJS.Timeout, () => void>()
  const sockets = new Set<Socket>()
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
    hold(socket) {
      if (socket.destroyed) return
      if (released) socket.destroy()
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
    get released() {
      return released
    },
    get held() {
      return sockets.size
    },
    release() {
      released = true
      for (const [timer, resolve] of delays) {
        clearTimeout(timer)
        resolve()
      }
      delays.clear()
      for (const socket of sockets) socket.destroy()
    },
  }
}
