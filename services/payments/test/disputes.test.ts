import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { createRefundRequests } from '../src/requests/refunds/request-refunds.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { askRefund } from './direct-requests.ts'
import { disputeOf, findDispute } from './dispute-stories.ts'
import { casesOf, countEvents, findReturn, openLedger } from './fact-stories.ts'
import { pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, emittedOf, findOne, requestRefunds, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'disputes' })).pool
})

const ledgerOf = (payment: Payment) => openLedger(db, () => [payment.accountId])
const again = <E extends ConsumedEvent>(event: E): E => ({ ...event, event_id: newId() })

/** Asks for a refund of 1.00; the status and code of the answer. */
async function refund({ paymentId }: Payment, idempotencyKey = newId()) {
  const requests = createRefundRequests({
    db,
    region: 'test',
    policy: { windowMs: 60_000, mostRefunds: 100 },
    afterCommit: () => {},
  })
  const asked = { ...askRefund({ paymentId, amount: '1.00' }), idempotencyKey }
  const outcome = await requests.request(asked)
  assert(outcome.kind === 'answered', JSON.stringify(outcome))
  const body = JSON.parse(outcome.answer.body) as { code?: string }
  return [outcome.answer.status, body.code]
}

test('P12: a refund during an open dispute is refused, and a won dispute allows it again', async () => {
  const payment = await capture(db)
  const { opened, closed, disputeId } = disputeOf(payment, 10_000n)
  assert.deepEqual(await refund(payment), [202, undefined])
  await runBatch(db, [opened()])
  const key = newId()
  assert.deepEqual(await refund(payment, key), [409, 'PAYMENT_DISPUTED'])
  assert.deepEqual(await casesOf(db, payment.accountId), ['payment_disputed'])
  await runBatch(db, [closed('won')])
  assert.deepEqual(await refund(payment), [202, undefined])
  assert.deepEqual(await refund(payment, key), [409, 'PAYMENT_DISPUTED'], 'a replay')
  assert.deepEqual(await findDispute(db, disputeId), {
    payment_id: payment.paymentId,
    outcome: 'won',
    version: 2,
  })
  const ledger = ledgerOf(payment)
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 0n)
})

test('one of two disputes that is still open refuses a refund', async () => {
  const payment = await capture(db)
  const [one, other] = [disputeOf(payment, 2_000n), disputeOf(payment, 3_000n)]
  await runBatch(db, [one.opened(), other.opened(), one.closed('won')])
  assert.deepEqual(await refund(payment), [409, 'PAYMENT_DISPUTED'])
  await runBatch(db, [other.closed('won')])
  assert.deepEqual(await refund(payment), [202, undefined])
})

test('P12: the money of a lost dispute is one return, credited once and counted as returned', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const { opened, closed, disputeId } = disputeOf(payment, 6_000n)
  await runBatch(db, [opened(), closed('lost')])
  assert.equal((await findReturn(db, disputeId))?.status, 'MATCHED')
  await runBatch(db, [again(closed('lost')), ...(await ledger.book())])
  await runBatch(db, [again(opened()), again(closed('lost')), ...ledger.answers()])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 6_000n, suspense: 0n, receivable: 0n })
  const { returnedMinor, pendingMinor } = await findOne(db, payment.paymentId)
  assert.deepEqual([returnedMinor, pendingMinor], [6_000n, 0n])
  const [returned, ...more] = await emittedOf(db, 'payment.returned', payment.paymentId)
  assert.deepEqual(
    [returned?.return_id, returned?.amount, returned?.reason, returned?.reason_code],
    [disputeId, '60.00', '10.4', 'dispute_lost'],
  )
  assert.deepEqual(more, [])
  assert.deepEqual(await casesOf(db, payment.accountId), ['payment_disputed'])
  assert.deepEqual(await refund(payment), [202, undefined], 'what is left can be refunded')
})

test('a dispute that is lost after a full refund is no second credit of the wallet', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const refunded = pendingRefund(payment, { amountMinor: 10_000n })
  await requestRefunds(db, refunded)
  await runBatch(db, [refundEventsOf(refunded).succeeded()])
  await ledger.settle()
  const { opened, closed, disputeId } = disputeOf(payment, 10_000n)
  await runBatch(db, [opened(), closed('lost')])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 10_000n, receivable: 0n })
  const stored = await findReturn(db, disputeId)
  assert.deepEqual(
    [stored?.status, stored?.suspended_for],
    ['SUSPENDED', 'return_exceeds_captured'],
  )
  const cases = ['payment_disputed', 'return_exceeds_captured']
  assert.deepEqual(await casesOf(db, payment.accountId), cases)
})

test('the end of a dispute before its beginning counts, and the beginning changes nothing', async () => {
  for (const outcome of ['won', 'lost'] as const) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const { opened, closed, disputeId } = disputeOf(payment, 4_000n)
    await runBatch(db, [closed(outcome)])
    await runBatch(db, [opened()])
    await ledger.settle()
    assert.equal((await findDispute(db, disputeId))?.outcome, outcome)
    assert.equal(ledger.balances.wallet, outcome === 'lost' ? 4_000n : 0n)
    assert.deepEqual(await casesOf(db, payment.accountId), ['payment_disputed'])
    assert.deepEqual(await refund(payment), [202, undefined])
  }
})

test('another end of a dispute than the first one moves nothing and is a case', async () => {
  for (const [first, second] of [
    ['won', 'lost'],
    ['lost', 'won'],
  ] as const) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const { opened, closed, disputeId } = disputeOf(payment, 4_000n)
    await runBatch(db, [opened(), closed(first), closed(second)])
    await runBatch(db, [again(closed(second))])
    await ledger.settle()
    assert.equal((await findDispute(db, disputeId))?.outcome, first)
    assert.equal(ledger.balances.wallet, first === 'lost' ? 4_000n : 0n)
    const cases = ['dispute_outcome_changed', 'payment_disputed']
    assert.deepEqual(await casesOf(db, payment.accountId), cases)
    assert.equal(await countEvents(db, 'case.opened', payment.accountId), 2)
  }
})

test('evidence of another amount or currency than the known one changes nothing and is a case', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const { opened, closed, disputeId } = disputeOf(payment, 4_000n)
  const foreign = disputeOf(payment, 4_000n, { currency: 'EUR' })
  await runBatch(db, [opened(), closed('lost', 4_001n), foreign.opened()])
  await ledger.settle()
  assert.equal((await findDispute(db, disputeId))?.outcome, null)
  assert.equal(await findDispute(db, foreign.disputeId), undefined)
  assert.equal(ledger.balances.wallet, 0n)
  const cases = ['amount_mismatch', 'currency_mismatch', 'payment_disputed']
  assert.deepEqual(await casesOf(db, payment.accountId), cases)
})

test('a dispute that is lost while the payment is in doubt waits for its end', async () => {
  const payment = pendingPayment({ amountMinor: 10_000n })
  await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
  const it = eventsOf(payment)
  const { opened, closed, disputeId } = disputeOf(payment, 10_000n)
  await runBatch(db, [it.reserved(), it.inDoubt(), opened(), closed('lost')])
  assert.equal((await findReturn(db, disputeId))?.status, 'RECEIVED')
  await runBatch(db, [it.completed()])
  const ledger = ledgerOf(payment)
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 10_000n)
})

test('a dispute of no known payment is a case, and its money goes to suspense', async () => {
  const unknown = disputeOf(undefined, 4_000n)
  await runBatch(db, [unknown.opened(), unknown.closed('lost')])
  const ledger = openLedger(db, () => [unknown.disputeId])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 4_000n, receivable: 0n })
  assert.deepEqual(await casesOf(db, unknown.disputeId), ['payment_disputed', 'return_unmatched'])
})

test('a dispute whose payment is named later refuses refunds from then on', async () => {
  const payment = await capture(db)
  const disputeId = newId()
  await runBatch(db, [disputeOf(undefined, 4_000n, { disputeId }).opened()])
  assert.deepEqual(await refund(payment), [202, undefined])
  const named = disputeOf(payment, 4_000n, { disputeId })
  await runBatch(db, [named.opened()])
  assert.deepEqual(await refund(payment), [409, 'PAYMENT_DISPUTED'])
  await runBatch(db, [named.closed('lost')])
  const ledger = ledgerOf(payment)
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 4_000n)
})
