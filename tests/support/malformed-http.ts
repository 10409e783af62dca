import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '@caudal/contracts/error-codes.ts'

/**
 * Malformed HTTP requests with the expected error code, and the head of a valid request with a
 * chunked body.
 */
export function malformedHttp(token: string): {
  chunked: string
  malformed: Record<string, [text: string, code: ErrorCode]>
} {
  const head = 'POST /api/v1/payments HTTP/1.1\r\nhost: localhost\r\n'
  const start = `${head}authorization: Bearer ${token}\r\n`
  const json = `${start}idempotency-key: ${randomUUID()}\r\ncontent-type: application/json\r\n`
  const chunked = `${json}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`
  const malformed: Record<string, [string, ErrorCode]> = {
    'no HTTP': ['hello\r\n\r\n', 'MALFORMED_REQUEST'],
    TLS: ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'MALFORMED_REQUEST'],
    'no host': ['GET /api/v1/wallet HTTP/1.1\r\nconnection: close\r\n\r\n', 'MALFORMED_REQUEST'],
    'an unknown method': [
      'PAY /api/v1/payments HTTP/1.1\r\nhost: localhost\r\n\r\n',
      'MALFORMED_REQUEST',
    ],
    'a space in a header name': [
      `GET / HTTP/1.1\r\nhost: localhost\r\nx y: z\r\n\r\n`,
      'MALFORMED_REQUEST',
    ],
    'two lengths': [`${json}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 'MALFORMED_REQUEST'],
    'a negative length': [`${json}content-length: -1\r\n\r\n`, 'MALFORMED_REQUEST'],
    'a length and chunks': [
      `${json}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'MALFORMED_REQUEST',
    ],
    'a chunk of no size': [`${chunked}zz\r\n{}\r\n0\r\n\r\n`, 'MALFORMED_REQUEST'],
    'an empty chunked body': [`${chunked}0\r\n\r\n`, 'MALFORMED_REQUEST'],
    'too many header bytes': [`${start}x: ${'a'.repeat(20_000)}\r\n\r\n`, 'HEADERS_TOO_LARGE'],
    'a chunked body too large': [
      `${chunked}${`8000\r\n${' '.repeat(0x8000)}\r\n`.repeat(9)}0\r\n\r\n`,
      'BODY_TOO_LARGE',
    ],
    'a body too large by its content-length': [
      `${json}content-length: 5000000\r\n\r\n{`,
      'BODY_TOO_LARGE',
    ],
  }

  return { chunked, malformed }
}
