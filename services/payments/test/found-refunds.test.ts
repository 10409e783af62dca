import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { RefundFound } from '@caudal/contracts/events/psp-facts.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { RefundEvent } from '../src/domain/evolve-refund.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { casesOf, countEvents, foundRefund, openLedger } from './fact-stories.ts'
import { pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, emittedOf, findOne, findRefundRow, requestRefunds, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'found' })).pool
})

const ledgerOf = (payment: Payment) => openLedger(db, () => [payment.accountId])

test("P12: a refund that was made at the PSP's own console is adopted and credited once", async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const fact = foundRefund(payment, 4_000n)
  await runBatch(db, [fact, { ...fact, event_id: newId() }])
  const adopted = await findRefundRow(db, fact.refund_id)
  assert.deepEqual([adopted.origin, adopted.status, adopted.psp], ['psp', 'SUBMITTED', 'main'])
  assert.equal((await findOne(db, payment.paymentId)).pendingMinor, 4_000n)
  await ledger.settle()
  await runBatch(db, [fact, ...ledger.answers()])
  assert.equal((await findRefundRow(db, fact.refund_id)).status, 'SUCCEEDED')
  const { refundedMinor, pendingMinor } = await findOne(db, payment.paymentId)
  assert.deepEqual([refundedMinor, pendingMinor], [4_000n, 0n])
  assert.equal(ledger.balances.wallet, 4_000n)
  const [finalized, ...more] = await emittedOf(db, 'refund.finalized', payment.paymentId)
  assert.deepEqual(
    [finalized?.status, finalized?.refund_id, more],
    ['SUCCEEDED', fact.refund_id, []],
  )
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('a refund that FAILED and is paid after all succeeds, in any order of the two facts', async () => {
  for (const isEarly of [true, false]) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const refund = pendingRefund(payment, { amountMinor: 10_000n })
    await requestRefunds(db, refund)
    const it = refundEventsOf(refund)
    const fact = foundRefund(payment, 10_000n, refund.refundId)
    await runBatch(db, [it.submitted(), it.inDoubt()])
    for (const event of isEarly ? [fact, it.failed()] : [it.failed(), fact]) {
      await runBatch(db, [event])
    }
    await ledger.settle()
    await runBatch(db, [fact])
    assert.equal((await findRefundRow(db, refund.refundId)).status, 'SUCCEEDED')
    assert.equal((await findOne(db, payment.paymentId)).refundedMinor, 10_000n)
    assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
    assert.deepEqual(await casesOf(db, payment.accountId), [])
  }
})

test('more than was captured goes to suspense with a case, once', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const refund = pendingRefund(payment, { amountMinor: 10_000n })
  await requestRefunds(db, refund)
  const it = refundEventsOf(refund)
  await runBatch(db, [it.failed()])
  const [fits, exceeds] = [foundRefund(payment, 6_000n), foundRefund(payment, 6_000n)]
  const late = foundRefund(payment, 10_000n, refund.refundId)
  await runBatch(db, [fits, exceeds, late])
  await ledger.settle()
  await runBatch(db, [exceeds, late, ...ledger.answers()])
  assert.deepEqual(ledger.balances, { wallet: 6_000n, suspense: 16_000n, receivable: 0n })
  assert.deepEqual(await casesOf(db, payment.accountId), [
    'refund_exceeds_captured',
    'refund_exceeds_captured',
  ])
  assert.equal(await countEvents(db, 'case.opened', payment.accountId), 2)
  assert.equal((await findOne(db, payment.paymentId)).refundedMinor, 6_000n)
  assert.equal((await findRefundRow(db, refund.refundId)).status, 'FAILED')
})

test('another amount than that of the refund books nothing and opens a case', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const refund = pendingRefund(payment, { amountMinor: 5_000n })
  await requestRefunds(db, refund)
  await runBatch(db, [foundRefund(payment, 4_000n, refund.refundId)])
  assert.deepEqual(await ledger.book(), [])
  assert.deepEqual(await casesOf(db, payment.accountId), ['amount_mismatch'])
  await runBatch(db, [refundEventsOf(refund).succeeded()])
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 5_000n)
})

test('a second evidence of a found refund with another amount or currency opens a case, and books nothing', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const own = pendingRefund(payment, { amountMinor: 1_000n })
  await requestRefunds(db, own)
  await runBatch(db, [refundEventsOf(own).succeeded()])
  const facts = [foundRefund(payment, 4_000n), foundRefund(payment, 9_000n)]
  await runBatch(db, facts)
  await ledger.settle()
  const balances = { wallet: 5_000n, suspense: 9_000n, receivable: 0n }
  assert.deepEqual(ledger.balances, balances)
  facts.push(foundRefund(payment, 1_000n, own.refundId))
  for (const fact of facts) {
    await runBatch(db, [{ ...fact, amount: '7.00' }, fact, { ...fact, currency: 'EUR' }])
  }
  await ledger.settle()
  assert.deepEqual(ledger.balances, balances)
  const opened = await emittedOf(db, 'case.opened', payment.paymentId)
  assert.deepEqual(
    opened.slice(1).map(({ reason, subject, amount }) => [reason, subject.id, amount]),
    facts.flatMap(({ refund_id: id, amount }) => [
      ['amount_mismatch', id, '7.00'],
      ['currency_mismatch', id, amount],
    ]),
  )
})

test('a found refund while the payment is in doubt waits for its end', async () => {
  for (const ends of ['completed', 'failed'] as const) {
    const payment = pendingPayment({ amountMinor: 10_000n })
    const it = eventsOf(payment)
    const ledger = ledgerOf(payment)
    await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
    const fact = foundRefund(payment, 10_000n)
    await runBatch(db, [it.reserved(), it.inDoubt(), fact])
    assert.deepEqual(await ledger.book(), [])
    await runBatch(db, ends === 'completed' ? [it.completed()] : [it.failed(), it.released()])
    await ledger.settle()
    const isPaid = ends === 'completed'
    assert.equal(ledger.balances.wallet, isPaid ? 10_000n : 0n)
    assert.equal(ledger.balances.suspense, isPaid ? 0n : 10_000n)
    const cases = isPaid ? [] : ['refund_exceeds_captured']
    assert.deepEqual(await casesOf(db, payment.accountId), cases)
  }
})

/** The PSP took a refund back, whose row may not exist here. */
function reversalOf(payment: Payment, { refund_id: refundId, amount }: RefundFound): RefundEvent {
  const amountMinor = parseAmount(amount, payment.currency)
  return refundEventsOf(pendingRefund(payment, { refundId, amountMinor })).reversed()
}

async function foundStatus(refundId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ status: string }>(
    'SELECT status FROM found_refunds WHERE refund_id = $1',
    [refundId],
  )
  return rows[0]?.status
}

test('P12: a found refund in suspense that the PSP takes back leaves suspense once', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const refund = pendingRefund(payment, { amountMinor: 10_000n })
  await requestRefunds(db, refund)
  const it = refundEventsOf(refund)
  const fact = foundRefund(payment, 6_000n)
  await runBatch(db, [fact])
  assert.equal(await foundStatus(fact.refund_id), 'SUSPENDED')
  const reversal = reversalOf(payment, fact)
  await runBatch(db, [reversal, reversal])
  assert.equal(await foundStatus(fact.refund_id), 'REVERSED')
  await ledger.settle()
  await runBatch(db, [fact, reversal, ...ledger.answers()])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
  assert.deepEqual(
    ledger.answers().map(({ kind, end }) => [kind, end]),
    [
      ['refund', 'suspense'],
      ['recapture', 'suspense'],
    ],
  )
  assert.deepEqual(await casesOf(db, payment.accountId), ['refund_exceeds_captured'])
  await runBatch(db, [it.succeeded()])
  await ledger.settle()
  assert.equal((await findRefundRow(db, refund.refundId)).status, 'SUCCEEDED')
})

test('P12: a late success of a FAILED refund in suspense that is taken back leaves suspense, in any order', async () => {
  for (const isEarly of [true, false]) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const refund = pendingRefund(payment, { amountMinor: 10_000n })
    await requestRefunds(db, refund)
    await runBatch(db, [refundEventsOf(refund).failed(), foundRefund(payment, 6_000n)])
    const late = foundRefund(payment, 10_000n, refund.refundId)
    const reversal = refundEventsOf(refund).reversed()
    for (const event of isEarly ? [reversal, late] : [late, reversal]) await runBatch(db, [event])
    await ledger.settle()
    await runBatch(db, [late, reversal, ...ledger.answers()])
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 6_000n, suspense: 0n, receivable: 0n })
    assert.equal(ledger.answers().length, 3)
    assert.equal(await foundStatus(refund.refundId), 'REVERSED')
    assert.equal((await findRefundRow(db, refund.refundId)).status, 'FAILED')
    assert.deepEqual(await casesOf(db, payment.accountId), ['refund_exceeds_captured'])
  }
})

test('P12: a late success of a FAILED refund that is taken back is credited and taken back, in any order', async () => {
  for (const isEarly of [true, false]) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const refund = pendingRefund(payment, { amountMinor: 4_000n })
    await requestRefunds(db, refund)
    await runBatch(db, [refundEventsOf(refund).failed()])
    const late = foundRefund(payment, 4_000n, refund.refundId)
    const reversal = refundEventsOf(refund).reversed()
    for (const event of isEarly ? [reversal, late] : [late, reversal]) await runBatch(db, [event])
    await ledger.settle()
    assert.equal((await findRefundRow(db, refund.refundId)).status, 'REVERSED')
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
    assert.equal(ledger.answers().length, 2)
    const { refundedMinor, pendingMinor } = await findOne(db, payment.paymentId)
    assert.deepEqual([refundedMinor, pendingMinor], [0n, 0n])
  }
})

test('P12: a found refund that is taken back while the payment is in doubt has no effect at its end', async () => {
  for (const ends of ['completed', 'failed'] as const) {
    const payment = pendingPayment({ amountMinor: 10_000n })
    const it = eventsOf(payment)
    const ledger = ledgerOf(payment)
    await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
    const fact = foundRefund(payment, 10_000n)
    const reversal = reversalOf(payment, fact)
    await runBatch(db, [it.reserved(), it.inDoubt(), fact])
    await runBatch(db, [reversal])
    assert.equal(await foundStatus(fact.refund_id), 'RECEIVED')
    await runBatch(db, ends === 'completed' ? [it.completed()] : [it.failed(), it.released()])
    await ledger.settle()
    await runBatch(db, [reversal])
    assert.equal(ledger.answers().length, 2)
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
    const isPaid = ends === 'completed'
    assert.equal(await foundStatus(fact.refund_id), isPaid ? 'ADOPTED' : 'REVERSED')
    if (isPaid) assert.equal((await findRefundRow(db, fact.refund_id)).status, 'REVERSED')
    const cases = isPaid ? [] : ['refund_exceeds_captured']
    assert.deepEqual(await casesOf(db, payment.accountId), cases)
  }
})
