import type { Socket } from 'node:net'
import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import { newTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { PROBLEM_CONTENT_TYPE, problemBody } from './problem.ts'

const REFUSALS = {
  HEADERS_TOO_LARGE: ['Request Header Fields Too Large', 'send fewer or shorter headers'],
  MALFORMED_REQUEST: ['Bad Request', 'the request is not well-formed HTTP'],
} as const

/**
 * Answers input that is not a complete request (a malformed request line, headers above the limit,
 * a request that times out) with a problem document, then closes the connection.
 */
export function answerBadHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : 'MALFORMED_REQUEST'
  const traceparent = newTraceparent()
  const [reason, detail] = REFUSALS[code]
  const body = problemBody(code, traceIdOf(traceparent), detail)
  socket.end(
    [
      `HTTP/1.1 ${ERROR_CODES[code].status} ${reason}`,
      `content-type: ${PROBLEM_CONTENT_TYPE}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `traceparent: ${traceparent}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
