import type { IncomingHttpHeaders } from 'node:http'
import { Pool } from 'undici'

export interface PeerRequest {
  method: 'GET' | 'POST'
  /** With the query, starting with a slash. */
  path: string
  headers: Record<string, string>
  body: Buffer | null
}

/** A whole answer: nothing is passed on before its last byte is here. */
export interface PeerAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

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
}

export interface Peer {
  name: string
  send(request: PeerRequest): Promise<PeerAnswer>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 2_000
const KEEP_ALIVE_MS = 30_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

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
  return {
    name,
    async send(request) {
      if (pending >= maxPending) throw new PeerFault('OVERLOADED', `too much waits for ${name}`)
      pending++
      try {
        return await dispatchTwice(pool, request)
      } catch (error) {
        throw new PeerFault('PEER_UNAVAILABLE', `${name} gave no answer`, error)
      } finally {
        pending--
      }
    },
    close: () => pool.close(),
  }
}

/**
 * A connection that breaks under a request is tried once more: a peer that restarts drops the ones
 * it kept alive, and every request is idempotent, reads by nature and writes by their key.
 */
async function dispatchTwice(pool: Pool, request: PeerRequest): Promise<PeerAnswer> {
  try {
    return await dispatch(pool, request)
  } catch (error) {
    if (!isBrokenConnection(error)) throw error
    return dispatch(pool, request)
  }
}

function isBrokenConnection(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET'
}

function dispatch(pool: Pool, request: PeerRequest): Promise<PeerAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerAnswer>()
  const chunks: Buffer[] = []
  let bytes = 0
  let status = 0
  let headers: IncomingHttpHeaders = {}
  pool.dispatch(request, {
    // Its presence tells undici which of two handler interfaces this is.
    onRequestStart() {},
    onResponseStart(_controller, statusCode, responseHeaders) {
      status = statusCode
      headers = responseHeaders
    },
    onResponseData(controller, chunk) {
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) controller.abort(new Error('the answer is too large'))
      else chunks.push(chunk)
    },
    onResponseEnd() {
      const [first] = chunks
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      resolve({ status, headers, body })
    },
    onResponseError(_controller, error) {
      reject(error)
    },
  })
  return promise
}
