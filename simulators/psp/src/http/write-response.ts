import type { ServerResponse } from 'node:http'
import { StrictJsonError } from '@caudal/http/parse-strict-json.ts'
import { Problem, PROBLEM_CONTENT_TYPE, problemBody } from '@caudal/http/problem.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const RETRY_AFTER_SECONDS = '1'

/** Sends a JSON text as the complete response. */
export function writeJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** Sends a problem document (RFC 9457). */
export function writeProblem(response: ServerResponse, problem: Problem, traceId: string): void {
  const { code, statusCode, detail, extra } = problem
  const body = problemBody(code, traceId, detail, extra.members)
  const passing = statusCode === 429 || statusCode === 503
  response.writeHead(statusCode, {
    ...(passing ? { 'retry-after': RETRY_AFTER_SECONDS } : {}),
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** Maps an error to a problem: other errors are 503 if they are retryable, else 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StrictJsonError) return new Problem('MALFORMED_REQUEST', error.message)
  const { code } = error as { code?: unknown }
  if (code === 'OVERLOADED') return new Problem('OVERLOADED')
  return new Problem(isRetryable(error) ? 'UNAVAILABLE' : 'INTERNAL')
}
