import type { ServerResponse } from 'node:http'
import { StrictJsonError } from '@caudal/http/parse-strict-json.ts'
import { Problem, renderProblem } from '@caudal/http/problem.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'

/** A complete response. */
export interface WrittenResponse {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

/** A JSON text as a response. */
export function jsonResponse(status: number, body: string): WrittenResponse {
  return { status, headers: JSON_HEADERS, body }
}

/** Sends the response. */
export function writeResponse(
  response: ServerResponse,
  { status, headers, body }: WrittenResponse,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** Sends a problem document (RFC 9457). */
export function writeProblem(response: ServerResponse, problem: Problem, traceId: string): void {
  writeResponse(response, renderProblem(problem, traceId))
}

/** Maps an error to a problem: other errors are 503 if they are retryable, else 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StrictJsonError) return new Problem('MALFORMED_REQUEST', error.message)
  const { code } = error as { code?: unknown }
  if (code === 'OVERLOADED') return new Problem('OVERLOADED')
  return new Problem(isRetryable(error) ? 'UNAVAILABLE' : 'INTERNAL')
}
