import type { AddressInfo } from 'node:net'

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
  server: { address(): AddressInfo | string | null; closeAllConnections(): void }
}

const STOP_TIMEOUT_MS = 10_000
// Connections that wait to be accepted. When the backlog is full, the kernel drops a caller's first
// packet, and the caller sends it again after one, three and seven seconds. Node's 511 are too few
// for a thousand callers at once.
const BACKLOG = 4_096

/** Starts listening and returns the base URL; port 0 selects a free port. */
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

/** Stops listening and waits for requests in progress; closes the rest at the deadline. */
export async function closeServer(app: Listening, timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
  const deadline = setTimeout(() => app.server.closeAllConnections(), timeoutMs)
  try {
    await app.close()
  } finally {
    clearTimeout(deadline)
  }
}
