import { Pool } from 'undici'
import { exchange, exchangeTwice, type PeerAnswer, type PeerRequest } from './exchange.ts'
import { joinRequests } from './join-requests.ts'

/** The peer gave no whole answer. The request may have had its effect. */
export class PeerFault extends Error {
  override readonly name = 'PeerFault'
  readonly code: 'PEER_UNAVAILABLE' | 'OVERLOADED'
  readonly retryable = true

  constructor(code: PeerFault['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export interface PeerOptions {
  name: string
  url: string
  /** Kept-alive connections at most; further requests wait for one. */
  connections: number
  /** From writing the request to the answer's first byte, and between its bytes. */
  timeoutMs: number
  /** Requests under way or waiting; beyond it they are refused as OVERLOADED. */
  maxPending: number
  /** Writes to this path go together, as many as there are at the moment (see join-requests.ts). */
  joined?: { path: string; to: string }
}

export interface Peer {
  name: string
  send(request: PeerRequest): Promise<PeerAnswer>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
const KEEP_ALIVE_MS = 30_000

/** A service behind the gateway, over a bounded pool of kept-alive connections. */
export function createPeer(options: PeerOptions): Peer {
  const { name, url, connections, timeoutMs, maxPending } = options
  const pool = new Pool(url, {
    connections,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  })
  let pending = 0
  const alone = (request: PeerRequest): Promise<PeerAnswer> => exchangeTwice(pool, request)
  const send = options.joined
    ? joinRequests({
        ...options.joined,
        alone,
        stream: (request, onData) => exchange(pool, request, onData),
      })
    : alone
  return {
    name,
    async send(request) {
      if (pending >= maxPending) throw new PeerFault('OVERLOADED', `too much waits for ${name}`)
      pending++
      try {
        return await send(request)
      } catch (error) {
        throw new PeerFault('PEER_UNAVAILABLE', `${name} gave no answer`, error)
      } finally {
        pending--
      }
    },
    close: () => pool.close(),
  }
}
