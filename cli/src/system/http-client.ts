import { request } from 'undici'
import { UnreachableError, UsageError } from '../errors.ts'

const TIMEOUT_MS = 30_000
/** Where an answer says why: as a problem document (RFC 9457) or an OAuth server (RFC 6749). */
const REASONS = ['detail', 'error_description', 'code', 'error']

export type HttpAnswer = { status: number; body: unknown; headers: Record<string, unknown> }

type HttpCall = {
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Record<string, string>
  /** An object goes as JSON, URLSearchParams as a form. */
  body?: object
}

/** One HTTP call with its answer read as JSON. @throws {UnreachableError} without an answer */
export async function call(url: string, options: HttpCall = {}): Promise<HttpAnswer> {
  const { method = options.body ? 'POST' : 'GET', headers = {}, body } = options
  const form = body instanceof URLSearchParams
  try {
    const answer = await request(url, {
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
    const text = await answer.body.text()
    return { status: answer.statusCode, body: parse(text), headers: answer.headers }
  } catch (error) {
    const { origin } = new URL(url)
    throw new UnreachableError(`${origin} cannot be reached: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Like `call`, for calls whose success is taken for granted.
 *
 * @throws {UsageError} where what was given is malformed
 * @throws {Error} on other statuses
 */
export async function callOk<T>(url: string, options: HttpCall = {}): Promise<T> {
  const { status, body } = await call(url, options)
  if (status >= 200 && status < 300) return body as T
  const problem = body as Partial<Record<string, string>> | undefined
  const { pathname } = new URL(url)
  const why = REASONS.map((name) => problem?.[name]).find(Boolean) ?? ''
  const said = `${options.method ?? 'request to'} ${pathname} answered ${status} ${why}`.trim()
  throw problem?.['code'] === 'MALFORMED_REQUEST' ? new UsageError(said) : new Error(said)
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
  return code ?? message ?? 'no answer'
}
