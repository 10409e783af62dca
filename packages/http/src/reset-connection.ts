import type { Socket } from 'node:net'

/**
 * Ends a connection by a TCP reset, so that the peer finds it broken. A connection that is ending
 * already is closed instead: libuv refuses to reset it, yet Node takes its handle for closed, and
 * the process then uses a whole core for ever when it should exit.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
