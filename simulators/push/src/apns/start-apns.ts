import { readFile } from 'node:fs/promises'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { hostInUrl } from '@caudal/http/host-in-url.ts'
import { type ApnsDeps, handlePush } from './handle-push.ts'

/** Address of the simulated APNs. `tls` names PEM files; without it, HTTP/2 is in clear text. */
export interface ApnsConfig {
  host: string
  port: number
  tls: { certFile: string; keyFile: string } | undefined
}

/** The running APNs server. */
export interface RunningApns {
  url: string
  stop(): Promise<void>
}

// Apple's own limit.
const MAX_CONCURRENT_STREAMS = 1_000
const STOP_TIMEOUT_MS = 2_000

/** Starts the simulated APNs: Apple's provider API over HTTP/2. */
export async function startApns(config: ApnsConfig, deps: ApnsDeps): Promise<RunningApns> {
  const server = await createH2Server(config.tls)
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    // A broken session closes by itself, and the sender sees it.
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    handlePush(deps, stream, headers).catch((error: unknown) => {
      deps.logger.error({ err: error }, 'could not respond to a push')
      stream.destroy()
    })
  })
  await listening(server, config)
  const { port } = server.address() as AddressInfo
  return {
    url: `${config.tls === undefined ? 'http' : 'https'}://${hostInUrl(config.host)}:${port}`,
    stop: () => close(server, sessions),
  }
}

async function createH2Server(tls: ApnsConfig['tls']): Promise<Http2Server | Http2SecureServer> {
  const settings = { maxConcurrentStreams: MAX_CONCURRENT_STREAMS }
  if (tls === undefined) return createServer({ settings })
  const [cert, key] = await Promise.all([readFile(tls.certFile), readFile(tls.keyFile)])
  return createSecureServer({ settings, cert, key, allowHTTP1: false })
}

function listening(
  server: Http2Server | Http2SecureServer,
  { host, port }: ApnsConfig,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

/** Lets requests in flight finish; destroys the sessions that are left at the deadline. */
async function close(
  server: Http2Server | Http2SecureServer,
  sessions: ReadonlySet<ServerHttp2Session>,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  for (const session of sessions) session.close()
  const deadline = setTimeout(() => {
    for (const session of sessions) session.destroy()
  }, STOP_TIMEOUT_MS)
  await promise
  clearTimeout(deadline)
}
