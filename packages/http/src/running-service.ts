import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { hostInUrl } from './host-in-url.ts'

/** A running service: its URL, and how to stop it. */
export interface RunningService {
  name: string
  url: string
  /** Accepts no new work, finishes what is in progress, and closes all resources. */
  stop(): Promise<void>
}

/** The part of a fastify instance that this file uses, so that instances of any type fit. */
interface Listening {
  listen(options: { host: string; port: number; backlog: number }): Promise<string>
  close(): PromiseLike<unknown>
  server: Pick<Server, 'address' | 'closeAllConnections' | 'on'>
}

/** The request that a connection is serving or receiving. */
type Exchange = { request: IncomingMessage; response: ServerResponse } | null

const STOP_TIMEOUT_MS = 8_000
/** A request that has not arrived by then was not going to: it cannot delay the stop. */
const ARRIVAL_TIMEOUT_MS = 1_000
// Connections that wait to be accepted. When the backlog is full, the kernel drops a caller's first
// packet, and the caller sends it again after one, three and seven seconds. Node's 511 are too few
// for a thousand callers at once.
const BACKLOG = 4_096

const connections = new WeakMap<Listening['server'], Map<Socket, Exchange>>()

/** Starts listening and returns the base URL; port 0 selects a free port. */
export async function listen(
  app: Listening,
  options: { host: string; port: number },
): Promise<string> {
  watchConnections(app.server)
  await app.listen({ ...options, backlog: BACKLOG })
  const address: AddressInfo | string | null = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  return `http://${hostInUrl(options.host)}:${port}`
}

/**
 * Stops listening and waits for requests in progress. A second later, connections whose request has
 * not arrived as a whole are closed; at the deadline the rest.
 */
export async function closeServer(app: Listening, timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
  const { server } = app
  const arrival = setTimeout(() => closeUnarrived(server), Math.min(ARRIVAL_TIMEOUT_MS, timeoutMs))
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs)
  try {
    await app.close()
  } finally {
    clearTimeout(arrival)
    clearTimeout(deadline)
  }
}

function watchConnections(server: Listening['server']): void {
  const open = new Map<Socket, Exchange>()
  connections.set(server, open)
  server.on('connection', (socket: Socket) => {
    open.set(socket, null)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    open.set(request.socket, { request, response })
  })
}

function closeUnarrived(server: Listening['server']): void {
  for (const [socket, exchange] of connections.get(server) ?? []) {
    const isServing =
      exchange !== null && exchange.request.complete && !exchange.response.writableFinished
    if (!isServing) socket.destroy()
  }
}
