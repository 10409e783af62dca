import assert from 'node:assert/strict'
import { ERROR_CODES, type ErrorCode } from '@caudal/contracts/error-codes.ts'

/** What no answer to the outside may ever tell: files, SQL, addresses, stacks. */
const SECRETS = [
  /node_modules|\.[cm]?[tj]s\b|\/(?:src|work|tmp|home|var)\//i,
  /\b(?:select|insert into|update \w+ set|delete from|relation|constraint|syntax error)\b/i,
  /postgres|caudal_\w+|sqlstate/i,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b|localhost|:\d{4,5}\b|econn|enotfound/i,
  /\bat \S+ \(/,
  /\[\w-\w|\[\^|\{\d+,?\d*\}|\\[dwsux]/, // a pattern of a schema
]

/** An answer is a problem document of this code, as interfaces.md and RFC 9457 say. */
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
  assertTellsNothing(answer.text, what)
}

/** No word of what is behind the answer. */
function assertTellsNothing(text: string, what: string): void {
  const told = text.replaceAll('https://caudal.dev/errors/', '')
  for (const secret of SECRETS) assert.doesNotMatch(told, secret, what)
}

function slugOf(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-')
}
