import type { AddressInfo } from 'node:net'

/** A service that runs: where it is reached and how it is stopped. */
export interface RunningService {
  name: string
  url: string
  /** Takes no new work, finishes what is under way, and lets go of everything. */
  stop(): Promise<void>
}

/** What this file needs of a server, so that any fastify instance fits whatever its types. */
interface Listening {
  listen(options: { host: string; port: number; backlog: number }): Promise<string>
  close(): PromiseLike<unknown>
  server: { address(): AddressInfo | string | null; closeAllConnections(): void }
}

const STOP_TIMEOUT_MS = 10_000
// Connections that wait to be accepted. Beyond them a caller's first packet is dropped and sent
// again after one, three and seven seconds; Node's 511 are too few when a thousand callers come
// at once.
const BACKLOG = 4_096

/** Starts listening and returns the base URL; port 0 takes a free one. */
export async function listen(
  app: Listening,
  options: { host: string; port: number },
): Promise<string> {
  await app.listen({ ...options, backlog: BACKLOG })
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return `http://${host}:${port}`
}

/** Stops listening and waits for requests under way; what is left at the deadline is cut off. */
export async function closeServer(app: Listening, timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
  const deadline = setTimeout(() => app.server.closeAllConnections(), timeoutMs)
  try {
    await app.close()
  } finally {
    clearTimeout(deadline)
  }
}
