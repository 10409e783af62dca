import assert from 'node:assert/strict'
import { ERROR_CODES, type ErrorCode } from '@caudal/contracts/error-codes.ts'

/** Internals that no public response may contain: files, SQL, addresses, stacks. */
const INTERNALS = [
  /node_modules|\.[cm]?[tj]s\b|\/(?:src|work|tmp|home|var)\//i,
  /\b(?:select|insert into|update \w+ set|delete from|relation|constraint|syntax error)\b/i,
  /postgres|caudal_\w+|sqlstate/i,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b|localhost|:\d{4,5}\b|econn|enotfound/i,
  /\bat \S+ \(/,
  /\[\w-\w|\[\^|\{\d+,?\d*\}|\\[dwsux]/, // a pattern of a schema
]

/** Asserts that a response is a problem document (RFC 9457) with this code. */
export function assertProblem(
  answer: { status: number; contentType: string | undefined; text: string },
  code: ErrorCode,
  what: string,
): void {
  const { status, title } = ERROR_CODES[code]
  assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.text}`)
  assert.equal(answer.contentType, 'application/problem+json', what)
  const problem = JSON.parse(answer.text) as Record<string, unknown>
  assert.equal(problem['code'], code, `${what}: ${answer.text}`)
  assert.equal(problem['status'], status, what)
  assert.equal(problem['title'], title, what)
  assert.equal(problem['type'], `https://caudal.dev/errors/${slugOf(code)}`, what)
  assert.match(String(problem['trace_id']), /^[0-9a-f]{32}$/, what)
  const detail = problem['detail']
  assert.ok(typeof detail === 'string' && detail !== '', `${what}: no detail in ${answer.text}`)
  assertNoInternals(answer.text, what)
}

/** Asserts that a response contains no internals. */
function assertNoInternals(text: string, what: string): void {
  const withoutType = text.replaceAll('https://caudal.dev/errors/', '')
  for (const pattern of INTERNALS) assert.doesNotMatch(withoutType, pattern, what)
}

function slugOf(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-')
}
