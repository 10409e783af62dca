import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import { maskCardNumbers } from '@caudal/telemetry/mask-numbers.ts'
import type { Approval, SendOutcome, StatusAnswer } from '../domain/outcome.ts'
import type { Decoded, PspResponse } from './adapter.ts'
import { readForm } from './form.ts'
import type { Disbelief, ExpectedOperation } from './read-verdict.ts'

/** What the bank states about a transfer of ours, if it can be believed. */
type Stated =
  | { kind: 'received' | 'settled'; response: Approval }
  | { kind: 'rejected'; response: PspAnswer }
  /** It was settled and came back, or a state that this reader does not know. */
  | { kind: 'none'; cause: Disbelief | 'reversed' }

/** Visible ASCII, not cut: it is kept, compared and put into a path. */
const TRANSFER_ID = /^[\x21-\x7e]{1,255}$/
const MINOR = /^(0|[1-9]\d{0,18})$/
const CODE = /^[\w.-]{1,64}$/
/** The code of an answer that nothing was accepted. */
const UNAVAILABLE = 'temporarily_unavailable'
/** Answers after which a request with this key may still be carried out. */
const UNDECIDED_STATUSES = new Set([408, 409, 422, 425, 499])

/** Classifies the answer to a transfer: 202 for a new one, 200 for a repeat of a known key. */
export function classifyTransfer(
  expected: ExpectedOperation,
  { httpStatus, retryAfterMs, body }: PspResponse,
): Decoded<SendOutcome> {
  if (httpStatus === 200 || httpStatus === 202) {
    const stated = readTransfer(expected, body)
    if (stated.kind === 'none') return undecided(stated.cause)
    return { outcome: outcomeOf(stated), errorClass: null }
  }
  const errorClass = `http_${httpStatus}`
  const code = readForm(body)?.get('code') ?? ''
  // Something between us and the bank may have passed the request on.
  if (!CODE.test(code)) return undecided(errorClass)
  if (httpStatus === 429) {
    return { outcome: { kind: 'rate_limited', response: null, retryAfterMs }, errorClass }
  }
  if (httpStatus >= 500 && code === UNAVAILABLE) {
    const response = { status: 'failed', error_code: code }
    return { outcome: { kind: 'unavailable', response, retryAfterMs }, errorClass }
  }
  const isRefused = httpStatus >= 400 && httpStatus < 500 && !UNDECIDED_STATUSES.has(httpStatus)
  return isRefused ? { outcome: { kind: 'misconfigured' }, errorClass } : undecided(errorClass)
}

/** Classifies the answer to a status query. That the bank does not know an id proves nothing. */
export function classifyTransferStatus(
  expected: ExpectedOperation,
  { httpStatus, body }: PspResponse,
): Decoded<StatusAnswer> {
  if (httpStatus === 404 && readForm(body)?.get('code') === 'not_found') {
    return { outcome: { kind: 'not_found' }, errorClass: null }
  }
  if (httpStatus !== 200) {
    return { outcome: { kind: 'unknown' }, errorClass: `http_${httpStatus}` }
  }
  const stated = readTransfer(expected, body)
  switch (stated.kind) {
    case 'received':
      return { outcome: { kind: 'pending', response: stated.response }, errorClass: null }
    case 'settled':
      return { outcome: { kind: 'approved', response: stated.response }, errorClass: null }
    case 'rejected':
      return { outcome: { kind: 'failed', response: stated.response }, errorClass: null }
    case 'none':
      return { outcome: { kind: 'unknown' }, errorClass: stated.cause }
    default:
      return stated satisfies never
  }
}

function outcomeOf(stated: Exclude<Stated, { kind: 'none' }>): SendOutcome {
  switch (stated.kind) {
    case 'received':
      return { kind: 'pending', response: stated.response }
    case 'settled':
      return { kind: 'approved', response: stated.response }
    case 'rejected':
      return { kind: 'declined', response: stated.response }
    default:
      return stated satisfies never
  }
}

/**
 * Reads what the bank states about a transfer. It is believed if it names our reference and an id
 * of its own, and echoes no other kind, amount or currency (rule 9, ADR 0023). A reversed transfer
 * was settled before: the callbacks about it tell both, and a single state cannot.
 */
function readTransfer(expected: ExpectedOperation, bytes: Buffer): Stated {
  const fields = readForm(bytes)
  const [ref, state] = [fields?.get('ref'), fields?.get('state')]
  if (!fields || ref === undefined || state === undefined) return none('unreadable_answer')
  const other = contradictionOf(expected, fields)
  if (other !== null) return none(other)
  const id = fields.get('id') ?? ''
  if (!TRANSFER_ID.test(id)) return none('no_transaction_id')
  const response: Approval = { status: state, gateway_transaction_id: id }
  switch (state) {
    case 'received':
    case 'settled':
      return { kind: state, response }
    case 'rejected':
      return { kind: state, response: { ...response, ...codeOf(fields.get('code')) } }
    case 'reversed':
      return none('reversed')
    default:
      return none('unknown_status')
  }
}

function contradictionOf(
  { kind, operationId, amountMinor, currency }: ExpectedOperation,
  fields: ReadonlyMap<string, string>,
): Disbelief | null {
  const isOurs = fields.get('ref')?.toLowerCase() === operationId.replaceAll('-', '').toLowerCase()
  if (!isOurs || (fields.get('kind') ?? kind) !== kind) {
    return kind === 'pay' ? 'other_payment' : 'other_operation'
  }
  if ((fields.get('ccy') ?? currency) !== currency) return 'other_currency'
  const amount = fields.get('amount')
  if (amount === undefined) return null
  return MINOR.test(amount) && BigInt(amount) === amountMinor ? null : 'other_amount'
}

/** The code is stored and shown, so it may be no card number. */
function codeOf(code: string | undefined): Pick<PspAnswer, 'error_code'> {
  return code !== undefined && CODE.test(code) ? { error_code: maskCardNumbers(code) } : {}
}

function none(cause: Disbelief | 'reversed'): Stated {
  return { kind: 'none', cause }
}

function undecided(errorClass: string): Decoded<SendOutcome> {
  return { outcome: { kind: 'ambiguous' }, errorClass }
}
