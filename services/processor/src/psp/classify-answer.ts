import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'
import type { Decoded, PspResponse } from './adapter.ts'
import {
  type ExpectedOperation,
  isContradiction,
  readVerdict,
  type Verdict,
} from './read-verdict.ts'

const DECLINE_STATUSES = new Set([400, 402, 422])
/** Answers after which a request with this key may still be carried out. */
const UNDECIDED_STATUSES = new Set([408, 409, 422, 425, 499])

/**
 * Classifies the answer to a request. This is the only place that does. `readVerdict` decides what
 * the body states about the operation. Only 400, 402 and 422 with `failed` decline it, and 5xx is
 * temporary only with `failed`. An answer that contradicts the operation or its own status is
 * ambiguous (rule 9). A new class of answers goes here and into the table of
 * classify-answer.test.ts. If it needs its own outcome, also into `SendOutcome` (domain/outcome.ts)
 * and `decideOutcome`; the compiler then reports the other places.
 */
export function classifyAnswer(
  expected: ExpectedOperation,
  answer: PspResponse,
): Decoded<SendOutcome> {
  const { httpStatus } = answer
  const stated = readVerdict(expected, answer.body)
  if (httpStatus >= 200 && httpStatus < 300) {
    if (stated.kind === 'approved') return verdict({ kind: 'approved', response: stated.response })
    return ambiguous(stated.kind === 'none' ? stated.cause : 'contradictory_answer')
  }
  if (stated.kind === 'none' && isContradiction(stated.cause)) return ambiguous(stated.cause)
  if (stated.kind === 'approved') return ambiguous('contradictory_answer')
  return classifyRefusal(stated, answer)
}

/** An answer without success whose body does not contradict it. */
function classifyRefusal(stated: Verdict, answer: PspResponse): Decoded<SendOutcome> {
  const { httpStatus, retryAfterMs } = answer
  const failed = stated.kind === 'failed' ? stated.response : null
  if (failed && DECLINE_STATUSES.has(httpStatus) && !isKeyMismatch(failed)) {
    return verdict({ kind: 'declined', response: failed })
  }
  const errorClass = `http_${httpStatus}`
  if (httpStatus === 429) {
    return { outcome: { kind: 'rate_limited', response: failed, retryAfterMs }, errorClass }
  }
  if (httpStatus >= 500) {
    if (!failed) return ambiguous(errorClass)
    return { outcome: { kind: 'unavailable', response: failed, retryAfterMs }, errorClass }
  }
  if (httpStatus >= 400 && !UNDECIDED_STATUSES.has(httpStatus)) {
    return { outcome: { kind: 'misconfigured' }, errorClass }
  }
  return ambiguous(errorClass)
}

/** Classifies the answer to a status query. An answer that is no verdict is `unknown`. */
export function classifyStatus(
  expected: ExpectedOperation,
  { httpStatus, body }: PspResponse,
): Decoded<StatusAnswer> {
  if (httpStatus !== 200) {
    return { outcome: { kind: 'unknown' }, errorClass: `http_${httpStatus}` }
  }
  const stated = readVerdict(expected, body)
  if (stated.kind === 'none') return { outcome: { kind: 'unknown' }, errorClass: stated.cause }
  return verdict(stated)
}

function ambiguous(errorClass: string): Decoded<SendOutcome> {
  return { outcome: { kind: 'ambiguous' }, errorClass }
}

function verdict<T>(outcome: T): Decoded<T> {
  return { outcome, errorClass: null }
}

/** The key was used with other bytes, which is no verdict on this payment. */
function isKeyMismatch({ error_code: errorCode = '' }: PspAnswer): boolean {
  return /idempoten/i.test(errorCode)
}
