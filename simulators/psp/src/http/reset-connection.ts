import type { Socket } from 'node:net'

/**
 * Ends a connection by a TCP reset, so that the caller finds it broken. A connection whose end is
 * on its way already is only closed: if Node resets such a socket, libuv refuses to, the handle is
 * never closed, and the process uses a whole core for ever when it should exit.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
