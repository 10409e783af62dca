import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foundRefundIdOf, newId } from '@caudal/contracts/ids.ts'
import { CASE_REASONS, type CaseReason } from '@caudal/contracts/reasons.ts'
import { compareRefunds } from './refund-check.ts'
import type { CheckedOperation, CheckedPosting, CheckedRefund, Moved } from './rows.ts'
import type { PaymentBooks } from './walk-payment-books.ts'

const AT = new Date(0)
const MONEY = { amount_minor: 400n, currency: 'USD' }
const of = { payment_id: newId() }
const refundId = newId()
const operationId = newId()

const posting: CheckedPosting = {
  ...of,
  ...MONEY,
  posting_id: newId(),
  kind: 'refund',
  charges_minor: 0n,
  source_type: 'refund',
  source_id: refundId,
  other_end: 'wallet',
  booked_at: AT,
}

function refundOf(changes: Partial<CheckedRefund>): CheckedRefund {
  const ends = { credited_to: 'wallet', recaptured_from: null }
  const facts = { refund_id: refundId, status: 'SUCCEEDED', psp: null, origin: 'client' } as const
  return { ...of, ...MONEY, ...facts, ...ends, updated_at: AT, ...changes }
}

function movedAs(changes: Partial<Moved> = {}): Moved {
  const ids = { movement_id: operationId, refund_id: null, gateway_id: newId(), charge_id: null }
  const money = { amount: '4.00', currency: 'USD', at: AT }
  return { ...of, bank: 'psp', kind: 'refund', ...ids, ...money, ...changes }
}

function operationOf(id: string, kind: string, status: string): CheckedOperation {
  const ids = { operation_id: id, request_id: refundId }
  return { ...of, ...ids, kind, status, psp: null, changed_at: AT }
}

/** What the check finds in the books of a payment with one refund, but for the parts given. */
function findingsIn(parts: Partial<PaymentBooks>): string[] {
  const found: string[] = []
  const books: PaymentBooks = {
    paymentId: of.payment_id,
    payment: { ...of, psp: null, status: 'COMPLETED' },
    refunds: [refundOf({})],
    found: [],
    returns: [],
    postings: [posting],
    operations: [operationOf(operationId, 'refund', 'COMPLETED')],
    cases: [],
    moved: [movedAs()],
    banks: new Set(['psp']),
    ...parts,
  }
  compareRefunds(books, (message) => found.push(message))
  return found
}

/** The reasons of a case about the subject that make the books have no finding. */
function reasonsThatExplain(parts: Partial<PaymentBooks>, subjectId: string): CaseReason[] {
  assert.notDeepEqual(findingsIn(parts), [])
  const explains = (reason: CaseReason): boolean =>
    findingsIn({ ...parts, cases: [{ ...of, subject_id: subjectId, reason }] }).length === 0
  return CASE_REASONS.filter(explains)
}

test('P14: only a case about the refund that accounts for the difference explains it', () => {
  assert.deepEqual(findingsIn({}), [])
  const unknown = { moved: [movedAs(), movedAs({ movement_id: newId() })] }
  const notBooked: CaseReason[] = ['amount_mismatch', 'currency_mismatch', 'operation_unknown']
  const failed = {
    refunds: [refundOf({ status: 'FAILED', credited_to: null })],
    postings: [],
    operations: [operationOf(operationId, 'refund', 'FAILED')],
  }
  const explained: [string, Partial<PaymentBooks>, CaseReason[]][] = [
    ['no money', { moved: [] }, ['failure_after_success']],
    [
      'money of a refund that failed',
      failed,
      ['success_after_failure', ...notBooked.slice(0, 2), 'refund_exceeds_captured', notBooked[2]!],
    ],
    ['another amount', { moved: [movedAs({ amount: '4.01' })] }, []],
    ['money twice', { moved: [movedAs(), movedAs()] }, []],
    ['no credit', { postings: [] }, []],
  ]
  for (const [what, parts, reasons] of explained) {
    assert.deepEqual(reasonsThatExplain(parts, refundId), reasons, what)
    assert.deepEqual(reasonsThatExplain(parts, of.payment_id), [], what)
    assert.deepEqual(reasonsThatExplain(parts, newId()), [], what)
  }
  assert.deepEqual(reasonsThatExplain(unknown, of.payment_id), notBooked)
  assert.deepEqual(reasonsThatExplain(unknown, refundId), [])
})

test('P14: a refund whose money is not at the wallet must have the case of its reason', () => {
  const inSuspense = [{ ...posting, other_end: 'suspense' }]
  const reversed = movedAs({ kind: 'reversal', refund_id: operationId })
  const failed = refundOf({ status: 'FAILED', credited_to: null, origin: 'late_capture' })
  const found = { ...of, refund_id: newId(), status: 'SUSPENDED', updated_at: AT } as const
  const unclaimed = { ...posting, source_id: found.refund_id, other_end: 'suspense' }
  const required: [Partial<PaymentBooks>, string, CaseReason][] = [
    [
      { refunds: [refundOf({ credited_to: 'suspense' })], postings: inSuspense },
      refundId,
      'wallet_not_creditable',
    ],
    [
      {
        refunds: [refundOf({ status: 'REVERSED', recaptured_from: 'receivable' })],
        postings: [posting, { ...posting, kind: 'recapture', other_end: 'receivable' }],
        moved: [reversed],
      },
      refundId,
      'receivable',
    ],
    [
      {
        refunds: [failed],
        postings: [],
        operations: [operationOf(operationId, 'refund', 'FAILED')],
        moved: [],
      },
      refundId,
      'success_after_failure',
    ],
    [
      {
        found: [{ ...found, suspended_for: 'refund_exceeds_captured' }],
        postings: [posting, unclaimed],
      },
      found.refund_id,
      'refund_exceeds_captured',
    ],
  ]
  for (const [parts, subject, reason] of required) {
    assert.deepEqual(reasonsThatExplain(parts, subject), [reason])
  }
})

test('an operation that is late after another one took its place is a refund of its own', () => {
  const voidId = newId()
  const late = movedAs({ kind: 'void', movement_id: voidId })
  const parts = {
    operations: [
      operationOf(voidId, 'void', 'FAILED'),
      operationOf(operationId, 'refund', 'COMPLETED'),
    ],
    moved: [movedAs(), late],
  }
  assert.notDeepEqual(findingsIn(parts), [])
  const lateId = foundRefundIdOf('main', late.gateway_id)
  const adopted = refundOf({ refund_id: lateId, origin: 'psp' })
  const postings = [posting, { ...posting, source_id: lateId }]
  assert.deepEqual(findingsIn({ ...parts, refunds: [refundOf({}), adopted], postings }), [])
})
