import { createTurnstile } from '@caudal/outbound/create-turnstile.ts'
import { withDeadline } from '@caudal/retry/with-deadline.ts'
import { Pool } from 'undici'
import { exchangeTwice, streamExchange, type PeerAnswer, type PeerRequest } from './exchange.ts'
import { type JoinedWrites, type JoinOptions, joinRequests } from './join-requests.ts'

/** The peer gave no complete answer. The request may have had its effect. */
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
  /** The most kept-alive connections and requests under way; further requests wait their turn. */
  connections: number
  /** From writing the request to the answer's first byte, and between its bytes. */
  timeoutMs: number
  /** The most requests under way or waiting; more are refused as OVERLOADED. */
  maxPending: number
  /** Writes to these paths are sent together when they arrive together (see join-requests.ts). */
  joined: readonly JoinedWrites[]
}

export interface Peer {
  name: string
  /** Tenants take turns, and each has its share of the requests under way and waiting. */
  send(request: PeerRequest, tenant: string): Promise<PeerAnswer>
  /** Asks for the readiness of the peer, for a second at most. */
  ready(): Promise<PeerAnswer>
  close(): Promise<void>
}

const READY_TIMEOUT_MS = 1_000
const CONNECT_TIMEOUT_MS = 2_000
const KEEP_ALIVE_MS = 30_000

const READY: PeerRequest = { method: 'GET', path: '/readyz', headers: {}, body: null }

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
  const turnstile = createTurnstile({ places: connections, maxPending })
  const alone = (request: PeerRequest): Promise<PeerAnswer> => exchangeTwice(pool, request)
  const stream: JoinOptions['stream'] = (request, onData) => streamExchange(pool, request, onData)
  const send = options.joined.reduce(
    (others, one) => joinRequests({ ...one, alone: others, stream }),
    alone,
  )
  return {
    name,
    async send(request, tenant) {
      const turn = turnstile.enter(tenant)
      if (turn === undefined) throw new PeerFault('OVERLOADED', `the queue of ${name} is full`)
      await turn
      try {
        return await send(request)
      } catch (error) {
        throw new PeerFault('PEER_UNAVAILABLE', `${name} gave no answer`, error)
      } finally {
        turnstile.leave(tenant)
      }
    },
    ready: () => withDeadline(READY_TIMEOUT_MS, () => alone(READY)),
    close: () => pool.close(),
  }
}
