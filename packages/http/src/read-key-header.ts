import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from './problem.ts'

/** Payments have the first (interfaces of users), the ledger's commands the second. */
const NAMES = ['idempotency-key', 'x-idempotency-key'] as const

/**
 * The header that carries a request's idempotency key, as it was sent.
 *
 * @throws {Problem} IDEMPOTENCY_KEY_REQUIRED, with a hint if the key came in the other header
 */
export function readKeyHeader(
  headers: IncomingHttpHeaders,
  name: (typeof NAMES)[number],
): string | string[] {
  const key = headers[name]
  if (key !== undefined && key !== '') return key
  const other = NAMES.find((one) => one !== name && headers[one] !== undefined)
  const detail = `the header ${name} is missing`
  throw new Problem(
    'IDEMPOTENCY_KEY_REQUIRED',
    other === undefined ? detail : `${detail}; the key came in ${other}`,
  )
}
