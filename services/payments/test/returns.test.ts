import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { ReturnReceived } from '@caudal/contracts/events/psp-facts.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { type Payment, shownStatusOf } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import {
  casesOf,
  contradicted,
  countEvents,
  findReturn,
  openLedger,
  returnOf,
} from './fact-stories.ts'
import { pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, emittedOf, findOne, findRefundRow, requestRefunds, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'returns' })).pool
})

const ledgerOf = (payment: Payment) => openLedger(db, () => [payment.accountId])

async function insert(payment: Payment): Promise<void> {
  await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
}

async function fail(payment: Payment): Promise<void> {
  const it = eventsOf(payment)
  await insert(payment)
  await runBatch(db, [it.reserved(), it.failed(), it.released()])
}

function sums({ refundedMinor, pendingMinor, returnedMinor }: Payment) {
  return { refundedMinor, pendingMinor, returnedMinor }
}

/** All orders of the three evidences of a return, each alone and then all at once. */
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

/** What a callback, a line of the PSP and a bank entry state about one return. */
function evidencesOf(payment: Payment, returnId: string): ReturnReceived[] {
  const callback = returnOf(payment, 10_000n, { returnId })
  // A line has no reason, and a statement is read by another actor, much later.
  const line = returnOf(payment, 10_000n, { returnId, reason: 'MS03' })
  const entry = returnOf(payment, 10_000n, { returnId, reason: 'FOCR' })
  const actor = { type: 'system', id: 'statements' } as const
  return [callback, line, { ...entry, actor, timestamp: '2027-03-01T12:00:01.000Z' }]
}

test('P12, E1: a callback, a line of the PSP and a bank entry of one return, in any order, are one credit', async () => {
  for (const order of ORDERS) {
    for (const isTogether of [true, false]) {
      const payment = await capture(db)
      const ledger = ledgerOf(payment)
      const returnId = newId()
      const evidences = evidencesOf(payment, returnId)
      const inOrder = order.map((index) => evidences[index]!)
      if (isTogether) await runBatch(db, inOrder)
      else {
        // The ledger books after the first one, and its answer comes after the second one.
        await runBatch(db, inOrder.slice(0, 1))
        assert.equal((await findReturn(db, returnId))?.status, 'MATCHED')
        await runBatch(db, [inOrder[1]!, ...(await ledger.book())])
        await runBatch(db, inOrder.slice(2))
      }
      await ledger.settle()
      await runBatch(db, [...inOrder, ...ledger.answers()])
      assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
      assert.equal(ledger.answers().length, 1)
      const stored = await findReturn(db, returnId)
      assert.deepEqual([stored?.status, stored?.version], ['CREDITED', 3])
      const returned = await emittedOf(db, 'payment.returned', payment.paymentId)
      const [{ reason, reason_code: code }] = inOrder as [ReturnReceived]
      assert.deepEqual(
        returned.map((event) => [event.return_id, event.amount, event.reason, event.reason_code]),
        [[returnId, '100.00', reason, code]],
        'the first evidence is the reason',
      )
      assert.equal((await findOne(db, payment.paymentId)).returnedMinor, 10_000n)
      assert.deepEqual(await casesOf(db, payment.accountId), [])
    }
  }
})

test('evidence that names no payment credits nothing twice, whatever comes before and after it', async () => {
  for (const isFirst of [true, false]) {
    const payment = await capture(db)
    const returnId = newId()
    const ledger = openLedger(db, () => [payment.accountId, returnId])
    const [callback] = evidencesOf(payment, returnId)
    const entry = returnOf(undefined, 10_000n, { returnId, tenantId: payment.tenantId })
    const inOrder = isFirst ? [entry, callback!] : [callback!, entry]
    for (const evidence of inOrder) {
      await runBatch(db, [evidence])
      await ledger.settle()
    }
    // What no payment was known for waits for an operator, who matches it.
    const [wallet, suspense] = isFirst ? [0n, 10_000n] : [10_000n, 0n]
    assert.deepEqual(ledger.balances, { wallet, suspense, receivable: 0n })
    assert.deepEqual(await casesOf(db, returnId), isFirst ? ['return_unmatched'] : [])
    assert.equal((await findOne(db, payment.paymentId)).returnedMinor, wallet)
  }
})

test('a return after a full refund goes to suspense with a case, and the wallet is unchanged', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const refund = pendingRefund(payment, { amountMinor: 10_000n })
  await requestRefunds(db, refund)
  await runBatch(db, [refundEventsOf(refund).succeeded()])
  await ledger.settle()
  const evidence = returnOf(payment, 10_000n)
  await runBatch(db, [evidence])
  await ledger.settle()
  await runBatch(db, [{ ...evidence, event_id: newId() }])
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 10_000n, receivable: 0n })
  const stored = await findReturn(db, evidence.return_id)
  assert.deepEqual(
    [stored?.status, stored?.suspended_for],
    ['SUSPENDED', 'return_exceeds_captured'],
  )
  assert.deepEqual(await casesOf(db, payment.accountId), ['return_exceeds_captured'])
  assert.equal(await countEvents(db, 'return.unmatched', payment.accountId), 1)
  assert.equal(await countEvents(db, 'case.opened', payment.accountId), 1)
  assert.equal(await countEvents(db, 'payment.returned', payment.accountId), 0)
})

test('a return that does not fit beside a refund under way goes to suspense with a case', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await requestRefunds(db, pendingRefund(payment, { amountMinor: 6_000n }))
  await runBatch(db, [returnOf(payment, 6_000n), returnOf(payment, 4_000n)])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 4_000n, suspense: 6_000n, receivable: 0n })
  assert.deepEqual(sums(await findOne(db, payment.paymentId)), {
    refundedMinor: 0n,
    pendingMinor: 6_000n,
    returnedMinor: 4_000n,
  })
  assert.deepEqual(await casesOf(db, payment.accountId), ['return_exceeds_captured'])
})

test('a return smaller than the payment credits that much, and more can come back later', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 9_950n)])
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 9_950n)
  await runBatch(db, [returnOf(payment, 50n, { reason: 'FOCR' })])
  await ledger.settle()
  assert.equal((await findOne(db, payment.paymentId)).returnedMinor, 10_000n)
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('a return while IN_DOUBT waits: the payment is COMPLETED and then shown as RETURNED, never FAILED', async () => {
  const payment = pendingPayment({ amountMinor: 10_000n })
  const it = eventsOf(payment)
  const ledger = ledgerOf(payment)
  await insert(payment)
  await runBatch(db, [it.reserved(), it.inDoubt()])
  const evidence = returnOf(payment, 10_000n)
  await runBatch(db, [evidence])
  await ledger.settle()
  assert.equal((await findReturn(db, evidence.return_id))?.status, 'RECEIVED')
  assert.equal((await findOne(db, payment.paymentId)).status, 'IN_DOUBT')
  assert.deepEqual(ledger.answers(), [])
  await runBatch(db, [it.completed()])
  const matched = await findOne(db, payment.paymentId)
  assert.deepEqual([matched.status, matched.pendingMinor], ['COMPLETED', 10_000n])
  assert.equal(shownStatusOf(matched), 'COMPLETED')
  assert.equal(matched.keepsFacts, false)
  await ledger.settle()
  assert.equal((await findReturn(db, evidence.return_id))?.status, 'CREDITED')
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
  assert.equal(shownStatusOf(await findOne(db, payment.paymentId)), 'RETURNED')
  const [finalized, ...more] = await emittedOf(db, 'payment.finalized', payment.paymentId)
  assert.deepEqual([finalized?.status, more], ['COMPLETED', []])
  assert.equal(await countEvents(db, 'payment.returned', payment.accountId), 1)
})

test('a return of a FAILED payment goes to suspense with a case, before and after the failure', async () => {
  for (const isEarly of [true, false]) {
    const payment = pendingPayment({ amountMinor: 10_000n })
    const ledger = ledgerOf(payment)
    const evidence = returnOf(payment, 10_000n)
    if (isEarly) {
      const it = eventsOf(payment)
      await insert(payment)
      await runBatch(db, [it.reserved(), evidence])
      await runBatch(db, [it.failed(), it.released()])
    } else {
      await fail(payment)
      await runBatch(db, [evidence])
    }
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 10_000n, receivable: 0n })
    assert.equal((await findReturn(db, evidence.return_id))?.status, 'SUSPENDED')
    assert.deepEqual(await casesOf(db, payment.accountId), ['return_of_unpaid_payment'])
    assert.equal((await findOne(db, payment.paymentId)).status, 'FAILED')
  }
})

test('a return to a closed or frozen wallet goes to suspense, and cannot be refunded too', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const evidence = returnOf(payment, 10_000n)
  await runBatch(db, [evidence])
  await ledger.settle({ creditable: false })
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 10_000n, receivable: 0n })
  const stored = await findReturn(db, evidence.return_id)
  assert.deepEqual([stored?.status, stored?.suspended_for], ['SUSPENDED', 'wallet_not_creditable'])
  assert.deepEqual(await casesOf(db, payment.accountId), ['wallet_not_creditable'])
  assert.equal(await countEvents(db, 'payment.returned', payment.accountId), 0)
  assert.deepEqual(sums(await findOne(db, payment.paymentId)), {
    refundedMinor: 0n,
    pendingMinor: 10_000n,
    returnedMinor: 0n,
  })
})

test('a return long after the payment is still found', async () => {
  const payment = await capture(db)
  await db.query(`UPDATE payments SET updated_at = '2020-01-01Z', finalized_at = '2020-01-01Z'
    WHERE payment_id = '${payment.paymentId}'`)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 10_000n)])
  await ledger.settle()
  assert.equal(ledger.balances.wallet, 10_000n)
})

test('a return of no known payment goes to suspense with a case and return.unmatched, once', async () => {
  const evidence = returnOf(undefined, 2_500n, { reason: 'MS03' })
  const ledger = openLedger(db, () => [evidence.return_id])
  await runBatch(db, [evidence, { ...evidence, event_id: newId() }])
  await ledger.settle()
  await runBatch(db, [evidence, ...ledger.answers()])
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 2_500n, receivable: 0n })
  assert.equal((await findReturn(db, evidence.return_id))?.status, 'SUSPENDED')
  assert.deepEqual(await casesOf(db, evidence.return_id), ['return_unmatched'])
  assert.equal(await countEvents(db, 'return.unmatched', evidence.return_id), 1)
  assert.equal(await countEvents(db, 'case.opened', evidence.return_id), 1)
})

test('a return in another currency than that of its payment books nothing and opens a case', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 10_000n, { currency: 'EUR' })])
  await ledger.settle()
  assert.deepEqual(ledger.answers(), [])
  assert.deepEqual(await casesOf(db, payment.accountId), ['currency_mismatch'])
})

test('a second evidence of a return with another amount or currency opens a case, and books nothing', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const evidence = returnOf(payment, 4_000n)
  await runBatch(db, [evidence])
  await ledger.settle()
  const more: ReturnReceived = { ...evidence, amount: '50.00' }
  await runBatch(db, [more, evidence])
  await runBatch(db, [more, { ...evidence, currency: 'EUR' }])
  await ledger.settle()
  assert.equal(ledger.answers().length, 1)
  assert.equal((await findOne(db, payment.paymentId)).returnedMinor, 4_000n)
  assert.deepEqual(await casesOf(db, payment.accountId), ['amount_mismatch', 'currency_mismatch'])
  const opened = await emittedOf(db, 'case.opened', payment.paymentId)
  const subject = { type: 'return', id: evidence.return_id }
  assert.deepEqual(
    opened.map((event) => [event.subject, event.amount, event.currency]),
    [
      [subject, '50.00', 'USD'],
      [subject, '40.00', 'EUR'],
    ],
  )
})

test('evidence of a payment that is not known here waits', async () => {
  const strange = pendingPayment()
  await assert.rejects(runBatch(db, [returnOf(strange, 1n)]), (error) => {
    assert(error instanceof ParkError)
    const [parked] = error.parked
    assert.deepEqual(
      [parked?.kind, parked?.cause],
      ['waiting', `payment ${strange.paymentId} is not known here`],
    )
    return true
  })
})

test('returns and refunds that race on one payment never exceed what was captured', async () => {
  for (let round = 0; round < 10; round += 1) {
    const payment = await capture(db)
    const ledger = ledgerOf(payment)
    const refunds = Array.from({ length: 4 }, () => pendingRefund(payment, { amountMinor: 1_500n }))
    await requestRefunds(db, ...refunds)
    await Promise.all([
      ...refunds.map((refund) => runBatch(db, [refundEventsOf(refund).succeeded()])),
      ...Array.from({ length: 4 }, () => runBatch(db, [returnOf(payment, 1_500n)])),
    ])
    await ledger.settle()
    const { refundedMinor, returnedMinor, pendingMinor } = await findOne(db, payment.paymentId)
    assert.deepEqual([refundedMinor, returnedMinor, pendingMinor], [6_000n, 3_000n, 0n])
    assert.deepEqual(ledger.balances, { wallet: 9_000n, suspense: 3_000n, receivable: 0n })
    assert.deepEqual(await casesOf(db, payment.accountId), [
      'return_exceeds_captured',
      'return_exceeds_captured',
    ])
    for (const { refundId } of refunds) {
      assert.equal((await findRefundRow(db, refundId)).status, 'SUCCEEDED')
    }
  }
})

test('a contradiction opens one case for each reason and subject, and its event is emitted once', async () => {
  const payment = await capture(db)
  await runBatch(db, [
    contradicted(payment, 'failure_after_success'),
    contradicted(payment, 'failure_after_success'),
  ])
  await runBatch(db, [
    contradicted(payment, 'failure_after_success'),
    contradicted(payment, 'amount_mismatch'),
  ])
  assert.deepEqual(await casesOf(db, payment.accountId), [
    'amount_mismatch',
    'failure_after_success',
  ])
  const opened = await emittedOf(db, 'case.opened', payment.paymentId)
  assert.deepEqual(
    opened.map((event) => [event.reason, event.subject.type, event.subject.id, event.amount]),
    [
      ['failure_after_success', 'payment', payment.paymentId, '100.00'],
      ['amount_mismatch', 'payment', payment.paymentId, '100.00'],
    ],
  )
  assert.equal((await findOne(db, payment.paymentId)).status, 'COMPLETED')
})

test('the service can neither change evidence nor delete it', async () => {
  for (const statement of [
    'UPDATE returns SET amount_minor = 1',
    'UPDATE returns SET reference = reason',
    'UPDATE found_refunds SET amount_minor = 1',
    'UPDATE cases SET reason = detail',
    'UPDATE blocked_destinations SET tenant_id = reason_code',
    ...['returns', 'found_refunds', 'cases', 'blocked_destinations'].map(
      (table) => `DELETE FROM ${table}`,
    ),
  ]) {
    await assert.rejects(db.query(statement), { code: '42501' }, statement)
  }
})
