import { request } from 'undici'
import { UnreachableError, UsageError } from '../errors.ts'

const TIMEOUT_MS = 30_000
/** Members with an error's reason, in problem documents (RFC 9457) and OAuth errors (RFC 6749). */
const REASONS = ['detail', 'error_description', 'code', 'error']

/** A response with its parsed body, or the body's text if it is not JSON. */
export type HttpResult = { status: number; body: unknown; headers: Record<string, unknown> }

type HttpCall = {
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Record<string, string>
  /** URLSearchParams are sent as a form, any other object as JSON. */
  body?: object
}

/**
 * Makes an HTTP request and parses the response as JSON.
 *
 * @throws {UnreachableError} if there is no response
 */
export async function call(url: string, options: HttpCall = {}): Promise<HttpResult> {
  const { method = options.body ? 'POST' : 'GET', headers = {}, body } = options
  const form = body instanceof URLSearchParams
  try {
    const response = await request(url, {
      method,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      headers: {
        ...(body && {
          'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        }),
        ...headers,
      },
      body: body === undefined ? null : form ? body.toString() : JSON.stringify(body),
    })
    const text = await response.body.text()
    return { status: response.statusCode, body: parse(text), headers: response.headers }
  } catch (error) {
    const { origin } = new URL(url)
    throw new UnreachableError(`${origin} is unreachable: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Like `call`, but throws if the response is not successful.
 *
 * @throws {UsageError} if the request is malformed, because of the user's arguments
 * @throws {Error} on any other unsuccessful status
 */
export async function callOk<T>(url: string, options: HttpCall = {}): Promise<T> {
  const { status, body } = await call(url, options)
  if (status >= 200 && status < 300) return body as T
  const problem = body as Partial<Record<string, string>> | undefined
  const { pathname } = new URL(url)
  const why = REASONS.map((name) => problem?.[name]).find(Boolean) ?? ''
  const message =
    `${options.method ?? 'request to'} ${pathname} failed with ${status} ${why}`.trim()
  throw problem?.['code'] === 'MALFORMED_REQUEST' ? new UsageError(message) : new Error(message)
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
