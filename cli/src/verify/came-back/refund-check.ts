import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Check, CheckInput } from '../check.ts'
import { type AddDifference, collectFindings, type Finding } from '../findings.ts'
import { hasCase, NOT_BOOKED } from './has-case.ts'
import { movedBySource, type MovedBySource } from './moved-by-source.ts'
import { bankOf, type Moved, type CheckedPosting, type CheckedRefund } from './rows.ts'
import { type PaymentBooks, walkPaymentBooks } from './walk-payment-books.ts'

const NOT_PAID = new Set(['PENDING', 'FAILED', 'CANCELED'])
/** Why money that a PSP gave back is not that of the refund which did not succeed. */
const KEPT_APART = ['success_after_failure', 'refund_exceeds_captured', ...NOT_BOOKED] as const
/** The money of a late success stays at its payee. */
const LOST = new Set(['FAILED', 'CANCELED', 'REVERSED'])

/**
 * P12: a refund moved money once at its PSP and once in the ledger if it SUCCEEDED, and never if it
 * did not, and all money that a PSP gave back is that of a refund. A case explains a difference
 * between the PSP and us if it is about the same refund, or payment, and has a reason that accounts
 * for the difference. What is in suspense or is owed has a case too.
 */
export const refundsChargedOnce: Check = {
  name: 'refunds_charged_once',
  needs: ['payments', 'wallets', 'processor', 'psp'],
  async run(input: CheckInput): Promise<Finding> {
    const { add, finding } = collectFindings(input.recentFrom)
    let checked = 0
    for await (const books of walkPaymentBooks(input)) {
      compareRefunds(books, add)
      checked += books.refunds.length
    }
    return finding(checked)
  },
}

/** Compares the refunds of one payment with the books of the PSPs and of the ledger. */
export function compareRefunds(books: PaymentBooks, add: AddDifference): void {
  const moved = movedBySource(books)
  for (const refund of books.refunds) {
    compareWithBank(books, refund, moved, add)
    compareWithLedger(books, refund, add)
    for (const reason of reasonsForCases(refund)) {
      if (hasCase(books, refund.refund_id, reason)) continue
      add(`${nameOf(books, refund.refund_id)} has no case ${reason}`, refund.updated_at)
    }
  }
  findUnclaimed(books, moved, add)
  findOperationsWithoutMoney(books, moved, add)
}

/** The cases that a refund must have for what became of its money. */
function reasonsForCases(refund: CheckedRefund): CaseReason[] {
  const reasons: CaseReason[] = []
  if (refund.origin === 'late_capture') {
    if (LOST.has(refund.status)) reasons.push('success_after_failure')
  } else if (refund.credited_to === 'suspense') reasons.push('wallet_not_creditable')
  if (refund.recaptured_from === 'receivable') reasons.push('receivable')
  return reasons
}

function compareWithBank(
  books: PaymentBooks,
  refund: CheckedRefund,
  { refunds, reversals }: MovedBySource,
  add: AddDifference,
): void {
  const { refund_id: id, status, updated_at: at } = refund
  if (!books.banks.has(bankOf(refund.psp ?? books.payment?.psp ?? null))) return
  const given = refunds.get(id) ?? []
  const taken = reversals.get(id) ?? []
  const name = nameOf(books, id)
  const all = [...given, ...taken]
  if (all.length > 1) add(`${name} was made ${all.length} times at the PSP`)
  const wrong = wrongAmount(refund, all)
  if (wrong !== undefined) add(`${name}: ${wrong}`)
  const [last] = all
  const failedLater = hasCase(books, id, 'failure_after_success')
  if (status === 'SUCCEEDED' && given.length === 0 && !failedLater) {
    const found = last === undefined ? 'the PSP gave nothing back' : 'the PSP took it back'
    add(`${name} is SUCCEEDED, but ${found}`, at, last?.at)
  }
  if (status === 'REVERSED' && taken.length === 0) {
    add(`${name} is REVERSED, but the PSP did not take it back`, at)
  }
  if (NOT_PAID.has(status) && last !== undefined && !hasCase(books, id, ...KEPT_APART)) {
    add(`${name} is ${status}, but the PSP gave the money back`, at, last.at)
  }
}

/** Another amount or currency than that of the refund. */
function wrongAmount(
  { amount_minor: minor, currency }: CheckedRefund,
  moved: readonly Moved[],
): string | undefined {
  const amount = formatAmount(minor, currency)
  const wrong = moved.find((one) => one.amount !== amount || one.currency !== currency)
  if (wrong === undefined) return undefined
  return `expected ${amount} ${currency} at the PSP, found ${wrong.amount} ${wrong.currency}`
}

function compareWithLedger(books: PaymentBooks, refund: CheckedRefund, add: AddDifference): void {
  const { refund_id: id, status, updated_at: at } = refund
  const name = nameOf(books, id)
  const of = (kind: string): CheckedPosting[] => bookedFor(books, 'refund', id, kind)
  const [credits, recaptures] = [of('refund'), of('recapture')]
  const booked = [...credits, ...recaptures]
  const latest = booked.map((one) => one.booked_at)
  const isCredited = status === 'SUCCEEDED' || status === 'REVERSED'
  if (credits.length > 1) add(`${name} was credited ${credits.length} times in the ledger`)
  if (isCredited && credits.length === 0) {
    add(`${name} is ${status}, but was not credited in the ledger`, at)
  }
  if (NOT_PAID.has(status) && credits.length > 0) {
    add(`${name} is ${status}, but was credited in the ledger`, at, ...latest)
  }
  const expected = status === 'REVERSED' ? 1 : 0
  if (recaptures.length !== expected) {
    const times = `${recaptures.length} times`
    add(`${name} is ${status}, but was taken back ${times} in the ledger`, at, ...latest)
  }
  const wrong = booked.find(
    (one) => one.amount_minor !== refund.amount_minor || one.currency !== refund.currency,
  )
  if (wrong) {
    const found = `${formatAmount(wrong.amount_minor, wrong.currency)} ${wrong.currency}`
    const wanted = `${formatAmount(refund.amount_minor, refund.currency)} ${refund.currency}`
    add(`${name}: expected ${wanted} in the ledger, found ${found}`)
  }
  const [credit] = credits
  if (credit && isCredited && credit.other_end !== refund.credited_to) {
    add(`${name} is credited to ${refund.credited_to}, in the ledger to ${credit.other_end}`)
  }
}

/** Money at a PSP and in the ledger that belongs to no refund of ours. */
function findUnclaimed(
  books: PaymentBooks,
  { refunds, reversals }: MovedBySource,
  add: AddDifference,
): void {
  const { paymentId } = books
  const known = new Set(
    [...books.refunds, ...books.found].map(({ refund_id: refundId }) => refundId),
  )
  for (const [id, moved] of [...refunds, ...reversals]) {
    const [first] = moved
    if (known.has(id) || hasCase(books, id, ...NOT_BOOKED)) continue
    if (hasCase(books, paymentId, ...NOT_BOOKED)) continue
    const money = `${first!.amount} ${first!.currency} of payment ${paymentId}`
    add(`the PSP gave ${money} back, for which there is no refund`, first!.at)
  }
  for (const { refund_id: id, suspended_for: reason, updated_at: at } of books.found) {
    if (reason === null) continue
    const name = `${nameOf(books, id)} is in suspense`
    const { length: booked } = bookedFor(books, 'refund', id, 'refund')
    if (booked !== 1) add(`${name}, but was booked ${booked} times`, at)
    if (!hasCase(books, id, reason)) add(`${name}, but has no case ${reason}`, at)
  }
  for (const { source_type: type, source_id: id, kind, booked_at: at } of books.postings) {
    if (type !== 'refund' || known.has(id)) continue
    add(`the ledger has a ${kind} for ${nameOf(books, id)}, which does not exist`, at)
  }
}

function findOperationsWithoutMoney(
  books: PaymentBooks,
  { refunds, reversals }: MovedBySource,
  add: AddDifference,
): void {
  const ofRequests = books.moved.map((one) => one.refund_id ?? one.movement_id)
  // What was found at the PSP is an operation under the id that is made from the PSP's.
  const moved = new Set([...ofRequests, ...refunds.keys(), ...reversals.keys()])
  for (const { operation_id: id, kind, request_id: refundId, ...it } of books.operations) {
    if (it.status !== 'COMPLETED' || moved.has(id) || !books.banks.has(bankOf(it.psp))) continue
    if (hasCase(books, refundId, 'failure_after_success')) continue
    const name = `the ${kind} ${id} of ${nameOf(books, refundId)}`
    add(`${name} is COMPLETED at the processor, but the PSP moved nothing`, it.changed_at)
  }
}

function nameOf({ paymentId }: PaymentBooks, refundId: string): string {
  return `refund ${refundId} of payment ${paymentId}`
}

/** What the ledger booked for a refund or a return. */
export function bookedFor(
  { postings }: PaymentBooks,
  type: 'refund' | 'return',
  id: string,
  kind: string,
): CheckedPosting[] {
  return postings.filter(
    (one) => one.source_type === type && one.source_id === id && one.kind === kind,
  )
}
