import type { GatewayResponse } from '@caudal/contracts/events/payments.ts'
import { retryAfterMs } from '@caudal/outbound/retry-after.ts'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'

/** An answer as it came over HTTP. */
export type HttpAnswer = { httpStatus: number; retryAfter: string | null; body: Buffer }

export type Classified<T> = {
  outcome: T
  /** Why it is no verdict; null when it is one. */
  errorClass: string | null
}

const DECLINE_STATUSES = new Set([400, 402, 422])
/** Answers that do not say whether the request, or another with its key, is being carried out. */
const UNDECIDED_STATUSES = new Set([408, 409, 422, 425, 499])

/**
 * What an answer to a request to pay says: THE place where a class of answers is decided. Only 400,
 * 402 and 422 with a verdict for this payment decline; 5xx is temporary only in the PSP's own
 * words; what cannot be read is ambiguous (rule 9). A new class goes here, into the table of
 * classify-answer.test.ts, and, where it needs an outcome of its own, into `SendOutcome`
 * (domain/outcome.ts) and `decideOutcome`; the compiler then names the other places.
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

/** What an answer to a status query says; whatever is not clear is `unknown`. */
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
  // The PSP knows another payment under this key: only people can settle that.
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

/** The PSP's fields as it spells them, if the body is a JSON object about this payment. */
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

/** Cut to what the event may carry; PostgreSQL's JSON cannot hold U+0000. */
function textOf(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.replaceAll('\u0000', '').toWellFormed().slice(0, maxLength).toWellFormed()
}

/** "100.50", "100.5" and 100.5 are one amount. */
function plain(amount: unknown): string {
  const text = String(amount)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** The key was used with other bytes: that is no verdict on this payment. */
function isKeyMismatch({ error_code: errorCode = '' }: GatewayResponse): boolean {
  return /idempoten/i.test(errorCode)
}
