import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import { parseStrictJson, StrictJsonError } from '@caudal/http/parse-strict-json.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { LONGEST_CARD_NUMBER, maskCardNumbers } from '@caudal/telemetry/mask-numbers.ts'
import type { OperationKind } from '../domain/operation-facts.ts'
import type { Approval } from '../domain/outcome.ts'

/** What the PSP was asked to do. What it echoes of it must be the same. */
export type ExpectedOperation = {
  kind: OperationKind
  operationId: string
  /** null of a payout. */
  paymentId: string | null
  amountMinor: bigint
  currency: string
}

/** Why bytes of the PSP are no verdict on the expected operation. */
export type Disbelief =
  /** Not strict JSON, or no object with our reference and a status. */
  | 'unreadable_answer'
  | 'unknown_status'
  /** It contradicts the operation, so the PSP or we have mixed something up. */
  | 'other_payment'
  | 'other_operation'
  | 'other_amount'
  | 'other_currency'
  | 'no_transaction_id'

/** What the PSP states about the expected operation, if it can be believed. */
export type Verdict =
  | { kind: 'approved'; response: Approval }
  | { kind: 'failed'; response: PspAnswer }
  | { kind: 'not_found' }
  | { kind: 'none'; cause: Disbelief }

/** A transaction id that is kept, compared and shown as it is: visible ASCII, not cut. */
export const TRANSACTION_ID = /^[\x21-\x7e]{1,255}$/

/** The members that name an operation, and the transaction that moved its money. */
const MEMBERS = {
  pay: { reference: 'payment_id', transaction: 'gateway_transaction_id' },
  refund: { reference: 'refund_id', transaction: 'gateway_refund_id' },
  void: { reference: 'void_id', transaction: 'gateway_void_id' },
  payout: { reference: 'payout_id', transaction: 'gateway_payout_id' },
} as const satisfies Record<OperationKind, object>

/**
 * Reads what the PSP states about an operation. This is the only reader of an answer or of a status
 * query's. A verdict names our operation, echoes no other amount or currency, and an approval has a
 * transaction id (rule 9, ADR 0023). Everything else is `none`: neither a success nor a failure.
 */
export function readVerdict(expected: ExpectedOperation, bytes: Buffer): Verdict {
  const members = readMembers(bytes)
  const names = MEMBERS[expected.kind]
  const { [names.reference]: reference, status } = members ?? {}
  if (!members || typeof reference !== 'string') return none('unreadable_answer')
  if (typeof status !== 'string') return none('unreadable_answer')
  const other = otherReference(expected, reference, members['payment_id'])
  if (other !== null) return none(other)
  if ('currency' in members && members['currency'] !== expected.currency) {
    return none('other_currency')
  }
  if ('amount' in members && !isAmount(members['amount'], expected)) return none('other_amount')
  switch (status) {
    case 'approved': {
      const id = members[names.transaction]
      if (typeof id !== 'string' || !TRANSACTION_ID.test(id)) return none('no_transaction_id')
      return { kind: 'approved', response: { ...fieldsOf(members), gateway_transaction_id: id } }
    }
    case 'failed':
      return { kind: 'failed', response: fieldsOf(members) }
    case 'not_found':
      return { kind: 'not_found' }
    default:
      return none('unknown_status')
  }
}

/** Whether the answer contradicts the operation. Bytes that only cannot be read do not. */
export function isContradiction(cause: Disbelief): boolean {
  return cause !== 'unreadable_answer' && cause !== 'unknown_status'
}

/** A reversal may also echo its payment. */
function otherReference(
  { kind, operationId, paymentId }: ExpectedOperation,
  reference: string,
  echoed: unknown,
): Disbelief | null {
  if (reference.toLowerCase() !== operationId) {
    return kind === 'pay' ? 'other_payment' : 'other_operation'
  }
  const isSame = typeof echoed === 'string' && echoed.toLowerCase() === paymentId
  return echoed === undefined || isSame ? null : 'other_payment'
}

function none(cause: Disbelief): Verdict {
  return { kind: 'none', cause }
}

/** The members of an object. Duplicates, invalid UTF-8 and the like are unreadable (rule 17). */
export function readMembers(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value = parseStrictJson(bytes)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : null
  } catch (error) {
    if (error instanceof StrictJsonError) return null
    throw error
  }
}

/** "100.50" and "100.5" are the same amount. A JSON number is none: readers round it. */
function isAmount(value: unknown, { amountMinor, currency }: ExpectedOperation): boolean {
  if (typeof value !== 'string') return false
  try {
    return parseAmount(value, currency) === amountMinor
  } catch (error) {
    if (error instanceof AmountError) return false
    throw error
  }
}

/** The PSP's fields as it spells them, but for what may be a card number. */
function fieldsOf(members: Record<string, unknown>): PspAnswer {
  const errorCode = maskedTextOf(members['error_code'], 255)
  const message = maskedTextOf(members['message'], 1024)
  const transactionId = textOf(members['gateway_transaction_id'], 255)
  return {
    status: String(members['status']),
    ...(errorCode !== undefined && { error_code: errorCode }),
    ...(message !== undefined && { message }),
    ...(transactionId !== undefined && { gateway_transaction_id: transactionId }),
  }
}

/** These fields are stored, emitted and shown. A transaction id stays: it must remain unique. */
function maskedTextOf(value: unknown, maxLength: number): string | undefined {
  // A card number that is cut could no longer be recognised, nor one with U+0000 in it.
  const text = textOf(value, maxLength + LONGEST_CARD_NUMBER)
  return textOf(text && maskCardNumbers(text), maxLength)
}

/** Cuts the text to the limits of the event. PostgreSQL's JSON cannot hold U+0000. */
function textOf(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.replaceAll('\u0000', '').toWellFormed().slice(0, maxLength).toWellFormed()
}
