import type { IncomingHttpHeaders } from 'node:http'
import { isBrokenConnection } from '@caudal/retry/connection-faults.ts'
import type { Pool } from 'undici'

export interface PeerRequest {
  method: 'GET' | 'POST'
  /** With the query, starting with a slash. */
  path: string
  headers: Record<string, string>
  body: Buffer | null
}

/** A complete answer: nothing is passed on before its last byte has arrived. */
export interface PeerAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * Sends a request, and once more if its connection breaks: a peer that restarts drops its
 * kept-alive connections. Every request is idempotent: reads by nature, writes by their idempotency
 * key.
 */
export async function exchangeTwice(pool: Pool, request: PeerRequest): Promise<PeerAnswer> {
  try {
    return await exchangeWhole(pool, request)
  } catch (error) {
    if (!isBrokenConnection(error)) throw error
    return exchangeWhole(pool, request)
  }
}

async function exchangeWhole(pool: Pool, request: PeerRequest): Promise<PeerAnswer> {
  const chunks: Buffer[] = []
  const { status, headers } = await streamExchange(pool, request, (chunk) => chunks.push(chunk))
  const [first] = chunks
  const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
  return { status, headers, body }
}

/** Resolves when the answer is complete; its bytes are handed over as they come. */
export function streamExchange(
  pool: Pool,
  request: PeerRequest,
  onData: (chunk: Buffer) => void,
): Promise<Omit<PeerAnswer, 'body'>> {
  const { promise, resolve, reject } = Promise.withResolvers<Omit<PeerAnswer, 'body'>>()
  let bytes = 0
  let status = 0
  let headers: IncomingHttpHeaders = {}
  pool.dispatch(request, {
    // undici recognises the newer handler interface by this method.
    onRequestStart() {},
    onResponseStart(_controller, statusCode, responseHeaders) {
      status = statusCode
      headers = responseHeaders
    },
    onResponseData(controller, chunk) {
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) controller.abort(new Error('the answer is too large'))
      else onData(chunk)
    },
    onResponseEnd() {
      resolve({ status, headers })
    },
    onResponseError(_controller, error) {
      reject(error)
    },
  })
  return promise
}
