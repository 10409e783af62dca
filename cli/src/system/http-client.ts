import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { UnreachableError } from '../errors.ts'
import { errorOfStatus } from '../exit-code.ts'

const TIMEOUT_MS = 30_000
/** Members with an error's reason, in problem documents (RFC 9457) and OAuth errors (RFC 6749). */
const REASONS = ['detail', 'error_description', 'code', 'error']
const LOOPBACK = /^(127(\.\d+){3}|\[::1\]|localhost)$/

/** A response with its parsed body, or the body's text if it is not JSON. */
export type HttpResult = { status: number; body: unknown; headers: Record<string, unknown> }

type HttpCall = {
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Record<string, string>
  /** URLSearchParams are sent as a form, any other object as JSON. */
  body?: object
}

// Node's own module, because undici alone would cost a command a tenth of a second. The agents
// keep connections for the next call, and never use a proxy of the environment.
const direct = {
  'http:': new HttpAgent({ keepAlive: true }),
  'https:': new HttpsAgent({ keepAlive: true }),
}

/**
 * Makes an HTTP request and parses the response as JSON. Never takes a proxy to this machine; to
 * others it takes the one of the environment, if NODE_USE_ENV_PROXY asks for it.
 *
 * @throws {UnreachableError} if there is no response
 */
export async function call(url: string, options: HttpCall = {}): Promise<HttpResult> {
  try {
    const response = await send(url, options)
    const body = parse(await text(response))
    return { status: response.statusCode ?? 0, body, headers: response.headers }
  } catch (error) {
    const { origin } = new URL(url)
    throw new UnreachableError(`${origin} is unreachable: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Like `call`, but throws if the response is not successful.
 *
 * @throws {UsageError} if the request is malformed, because of the user's arguments
 * @throws {RefusedError} on any other client error
 * @throws {UnreachableError} if the server failed or is overloaded
 */
export async function callOk<T>(url: string, options: HttpCall = {}): Promise<T> {
  const { status, body } = await call(url, options)
  if (status >= 200 && status < 300) return body as T
  const problem = body as Partial<Record<string, string>> | undefined
  const { pathname } = new URL(url)
  const why = REASONS.map((name) => problem?.[name]).find(Boolean) ?? ''
  const message =
    `${options.method ?? 'request to'} ${pathname} failed with ${status} ${why}`.trim()
  throw errorOfStatus(status, { code: problem?.['code'], message })
}

function send(url: string, options: HttpCall): Promise<IncomingMessage> {
  const { method = options.body ? 'POST' : 'GET', headers = {}, body } = options
  const form = body instanceof URLSearchParams
  const payload = body === undefined ? '' : form ? body.toString() : JSON.stringify(body)
  const { hostname, protocol } = new URL(url)
  const secure = protocol === 'https:'
  return new Promise((resolve, reject) => {
    const request = (secure ? requestHttps : requestHttp)(url, {
      method,
      timeout: TIMEOUT_MS,
      ...(LOOPBACK.test(hostname) && { agent: direct[secure ? 'https:' : 'http:'] }),
      headers: {
        // A request without a body and without its length would be sent as an empty chunked one.
        ...(!body && method !== 'GET' && { 'content-length': '0' }),
        ...(body && {
          'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
          'content-length': String(Buffer.byteLength(payload)),
        }),
        ...headers,
      },
    })
    request.once('timeout', () => request.destroy(new Error('no response in time')))
    request.once('error', reject)
    request.once('response', resolve)
    request.end(payload)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return code ?? message ?? 'no response'
}
