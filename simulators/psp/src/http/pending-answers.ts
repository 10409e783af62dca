import type { Socket } from 'node:net'

/** Answers that come late or never, so that a stop need not wait for them. */
export interface PendingAnswers {
  /** Resolves after the delay, or at once when the simulator stops. */
  wait(delayMs: number): Promise<void>
  /** Leaves the caller without an answer until it goes away. */
  hold(socket: Socket): void
  /** Whether the simulator stops. */
  readonly released: boolean
  /** Connections held now. */
  readonly held: number
  /** Ends every delay and cuts every held connection; later ones end at once. */
  release(): void
}

export function createPendingAnswers(): PendingAnswers {
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
