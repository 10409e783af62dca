import { withDeadline } from '@caudal/retry/with-deadline.ts'
import { Agent, type Dispatcher, request } from 'undici'

/** Gets the bearer token of a call. `renew` requests a token that was not returned before. */
export type TokenSource = (options?: { renew?: boolean }) => Promise<string>

export interface ServiceCall {
  url: string
  path: string
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  body?: unknown
  getToken?: TokenSource
  headers?: Record<string, string>
  traceparent?: string
  /** For the whole call, token included. */
  timeoutMs?: number
  dispatcher?: Dispatcher
}

export interface ServiceAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Parsed when it is JSON, otherwise null. */
  body: unknown
}

/**
 * A peer gave no usable answer: it was unreachable, timed out, answered 5xx or 429, or refused the
 * token. A retry may succeed. The call may have taken effect.
 */
export class ServiceCallError extends Error {
  override readonly name = 'ServiceCallError'
  readonly code = 'PEER_UNAVAILABLE'
  readonly retryable = true
  readonly status: number | undefined

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}

const TIMEOUT_MS = 5_000
const CONNECTIONS_PER_PEER = 64
const KEEP_ALIVE_MS = 30_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

// Connections to peers are pooled per process; idle ones do not keep the process alive.
const pool = new Agent({
  connections: CONNECTIONS_PER_PEER,
  keepAliveTimeout: KEEP_ALIVE_MS,
  maxResponseSize: MAX_ANSWER_BYTES,
})

/**
 * Calls a peer over a pooled connection with a deadline (F13). Returns answers below 500 unchanged;
 * a fault throws ServiceCallError. Does not retry, except once with a new token when the peer
 * refuses the old one.
 */
export async function callService(call: ServiceCall): Promise<ServiceAnswer> {
  try {
    return await withDeadline(call.timeoutMs ?? TIMEOUT_MS, (signal) => attempt(call, signal))
  } catch (error) {
    if (error instanceof ServiceCallError) throw error
    throw new ServiceCallError(`could not call ${call.path}`, { cause: error })
  }
}

async function attempt(call: ServiceCall, signal: AbortSignal): Promise<ServiceAnswer> {
  const { getToken } = call
  if (getToken === undefined) return send(call, undefined, signal)
  const answer = await send(call, await getToken(), signal)
  if (answer.status !== 401) return answer
  const again = await send(call, await getToken({ renew: true }), signal)
  if (again.status !== 401) return again
  throw new ServiceCallError(`${call.path} refused our token`, { status: 401 })
}

async function send(
  call: ServiceCall,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const { path, body, traceparent } = call
  const response = await request(`${call.url}${path}`, {
    dispatcher: call.dispatcher ?? pool,
    method: call.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...call.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal,
  })
  const text = await response.body.text()
  const { statusCode: status, headers } = response
  if (status >= 500 || status === 429) {
    throw new ServiceCallError(`${path} answered ${status}`, { status })
  }
  return { status, headers, body: isJson(headers['content-type']) ? JSON.parse(text) : null }
}

function isJson(contentType: string | string[] | undefined): boolean {
  return typeof contentType === 'string' && /^application\/([\w.-]+\+)?json\b/i.test(contentType)
}
