import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { lateCaptureRefundIdOf } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import type { Payment } from '../src/domain/payment.ts'
import { settleOverdue } from '../src/events/settle-overdue.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { endByEarlierRelease } from './earlier-release.ts'
import { capturedLate, casesOf, findReturn, openLedger, returnOf } from './fact-stories.ts'
import { emittedOf, findOne, findRefundRow, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'overdue' })).pool
})

const sweep = () =>
  settleOverdue({ db, region: 'test', returnCharges: 'operator', afterCommit: () => {} })

type Ends = (it: ReturnType<typeof eventsOf>) => ConsumedEvent[]

async function insert(payment: Payment): Promise<void> {
  await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
}

/** A payment of 100.00 under way, and the events of its course so far. */
async function underWay(events: Ends = (it) => [it.reserved(), it.inDoubt()]) {
  const payment = pendingPayment({ amountMinor: 10_000n })
  await insert(payment)
  await runBatch(db, events(eventsOf(payment)))
  return { payment, ledger: openLedger(db, () => [payment.accountId]) }
}

const declined: Ends = (it) => [it.reserved(), it.failed()]

test('a return whose payment was ended by release 0.1.0 is settled once, by whichever sweep', async () => {
  for (const status of ['COMPLETED', 'FAILED'] as const) {
    const { payment, ledger } = await underWay()
    const evidence = returnOf(payment, 10_000n)
    await runBatch(db, [evidence])
    assert.equal(await sweep(), 0, 'a payment without an end goes on waiting')
    await endByEarlierRelease(db, payment, status)
    await Promise.all([sweep(), sweep()])
    assert.equal(await sweep(), 0)
    await ledger.settle()
    const isPaid = status === 'COMPLETED'
    assert.equal(ledger.answers().length, 1)
    assert.equal(ledger.balances[isPaid ? 'wallet' : 'suspense'], 10_000n)
    const stored = await findReturn(db, evidence.return_id)
    assert.equal(stored?.status, isPaid ? 'CREDITED' : 'SUSPENDED')
    const cases = isPaid ? [] : ['return_of_unpaid_payment']
    assert.deepEqual(await casesOf(db, payment.accountId), cases)
    const opened = await emittedOf(db, 'case.opened', payment.paymentId)
    const actors = opened.map(({ actor }) => actor)
    assert.deepEqual(actors, isPaid ? [] : [{ type: 'system', id: 'payments' }])
  }
})

test('a late success whose failure was ended by release 0.1.0 is settled: the order decides', async () => {
  for (const isPaidAgain of [false, true]) {
    const { payment, ledger } = await underWay(declined)
    await runBatch(db, [capturedLate(payment)])
    await endByEarlierRelease(db, payment, 'FAILED')
    if (isPaidAgain) await insert(pendingPayment({ externalOrderId: payment.externalOrderId }))
    assert.equal(await sweep(), 1)
    assert.equal(await sweep(), 0)
    await ledger.settle()
    const after = await findOne(db, payment.paymentId)
    if (isPaidAgain) {
      assert.deepEqual([after.status, after.lateCapture], ['FAILED', 'REFUNDING'])
      const refund = await findRefundRow(db, lateCaptureRefundIdOf(payment.paymentId))
      assert.equal(refund.status, 'PENDING')
    } else {
      assert.deepEqual([after.status, after.lateCapture], ['COMPLETED', 'RECOVERED'])
      assert.equal(ledger.balances.wallet, -10_000n)
    }
  }
})

test('a repeated event about a payment that release 0.1.0 ended settles it too', async () => {
  const { payment, ledger } = await underWay(declined)
  await runBatch(db, [capturedLate(payment)])
  await endByEarlierRelease(db, payment, 'FAILED')
  await runBatch(db, [eventsOf(payment).released()])
  assert.equal(await sweep(), 0)
  await ledger.settle()
  assert.equal((await findOne(db, payment.paymentId)).status, 'COMPLETED')
  assert.equal(ledger.balances.wallet, -10_000n)
})
