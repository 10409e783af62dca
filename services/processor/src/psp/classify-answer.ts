import type { GatewayResponse } from '@caudal/contracts/events/payments.ts'
import { retryAfterMs } from '@caudal/outbound/retry-after.ts'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'

/** An HTTP answer. */
export type HttpAnswer = { httpStatus: number; retryAfter: string | null; body: Buffer }

export type Classified<T> = {
  outcome: T
  /** Why the answer is no verdict; null if it is one. */
  errorClass: string | null
}

const DECLINE_STATUSES = new Set([400, 402, 422])
/** Answers after which a request with this key may still be carried out. */
const UNDECIDED_STATUSES = new Set([408, 409, 422, 425, 499])

/**
 * Classifies the answer to a payment request. This is the only place that does. Only 400, 402 and
 * 422 with a verdict for this payment decline it. 5xx is temporary only with the PSP's own status
 * `failed`. An unreadable answer is ambiguous (rule 9). A new class of answers goes here and into
 * the table of classify-answer.test.ts. If it needs its own outcome, also into `SendOutcome`
 * (domain/outcome.ts) and `decideOutcome`; the compiler then reports the other places.
 */
export function classifyAnswer(paymentId: string, answer: HttpAnswer): Classified<SendOutcome> {
  const { httpStatus } = answer
  const response = readResponse(paymentId, answer.body)
  const failed = response?.status === 'failed' ? response : null
  const waitMs = retryAfterMs(answer.retryAfter, Date.now())
  if (httpStatus >= 200 && httpStatus < 300) {
    if (response?.status === 'approved') return verdict({ kind: 'approved', response })
    return { outcome: { kind: 'ambiguous' }, errorClass: 'unreadable_answer' }
  }
  if (failed && DECLINE_STATUSES.has(httpStatus)) {
    if (!isKeyMismatch(failed)) return verdict({ kind: 'declined', response: failed })
  }
  const errorClass = `http_${httpStatus}`
  if (httpStatus === 429) {
    return { outcome: { kind: 'rate_limited', response: failed, retryAfterMs: waitMs }, errorClass }
  }
  if (httpStatus >= 500) {
    if (!failed) return { outcome: { kind: 'ambiguous' }, errorClass }
    return { outcome: { kind: 'unavailable', response: failed, retryAfterMs: waitMs }, errorClass }
  }
  if (httpStatus >= 400 && !UNDECIDED_STATUSES.has(httpStatus)) {
    return { outcome: { kind: 'misconfigured' }, errorClass }
  }
  return { outcome: { kind: 'ambiguous' }, errorClass }
}

/** Classifies the answer to a status query. An unclear answer is `unknown`. */
export function classifyStatus(
  expected: { paymentId: string; amount: string; currency: string },
  { httpStatus, body }: HttpAnswer,
): Classified<StatusAnswer> {
  const unknown = (errorClass: string): Classified<StatusAnswer> => ({
    outcome: { kind: 'unknown' },
    errorClass,
  })
  if (httpStatus !== 200) return unknown(`http_${httpStatus}`)
  const members = readMembers(body)
  const response = readResponse(expected.paymentId, body)
  if (!response) return unknown('unreadable_answer')
  // The PSP has another payment under this key: only an operator can settle that.
  const { amount = expected.amount, currency = expected.currency } = members ?? {}
  const same = currency === expected.currency && plain(amount) === plain(expected.amount)
  if (!same) return unknown('other_payment')
  switch (response.status) {
    case 'approved':
    case 'failed':
      return verdict({ kind: response.status, response })
    case 'not_found':
      return verdict({ kind: 'not_found' })
    default:
      return unknown('unknown_status')
  }
}

function verdict<T>(outcome: T): Classified<T> {
  return { outcome, errorClass: null }
}

/** The PSP's fields, unchanged, if the body is a JSON object about this payment. */
function readResponse(paymentId: string, body: Buffer): GatewayResponse | null {
  const members = readMembers(body)
  if (!members || String(members['payment_id']).toLowerCase() !== paymentId) return null
  const status = textOf(members['status'], 64)
  if (status === undefined) return null
  const errorCode = textOf(members['error_code'], 255)
  const message = textOf(members['message'], 1024)
  const transactionId = textOf(members['gateway_transaction_id'], 255)
  return {
    status,
    ...(errorCode !== undefined && { error_code: errorCode }),
    ...(message !== undefined && { message }),
    ...(transactionId !== undefined && { gateway_transaction_id: transactionId }),
  }
}

function readMembers(body: Buffer): Record<string, unknown> | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const value = JSON.parse(text) as unknown
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Cuts the text to the limits of the event. PostgreSQL's JSON cannot hold U+0000. */
function textOf(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.replaceAll('\u0000', '').toWellFormed().slice(0, maxLength).toWellFormed()
}

/** "100.50", "100.5" and 100.5 are the same amount. */
function plain(amount: unknown): string {
  const text = String(amount)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** The key was used with other bytes, which is no verdict on this payment. */
function isKeyMismatch({ error_code: errorCode = '' }: GatewayResponse): boolean {
  return /idempoten/i.test(errorCode)
}
