import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { lateCaptureRefundIdOf } from '@caudal/contracts/ids.ts'
import { isUniqueViolation } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { ask, requestsOver, show } from './direct-requests.ts'
import {
  capturedLate,
  casesOf,
  countEvents,
  foundRefund,
  openLedger,
  returnOf,
} from './fact-stories.ts'
import { refundEventsOf } from './refund-stories.ts'
import { emittedOf, findOne, findRefundRow, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'late' })).pool
})

const ledgerOf = (payment: Payment) => openLedger(db, () => [payment.accountId])

async function insert(payment: Payment): Promise<void> {
  await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
}

async function failed(over: Partial<Payment> = {}): Promise<Payment> {
  const payment = pendingPayment({ amountMinor: 10_000n, ...over })
  const it = eventsOf(payment)
  await insert(payment)
  await runBatch(db, [it.reserved(), it.failed(), it.released()])
  return findOne(db, payment.paymentId)
}

async function isOrderFreed({ paymentId }: Payment): Promise<boolean> {
  const { rows } = await db.query<{ order_freed: boolean }>(
    'SELECT order_freed FROM payments WHERE payment_id = $1',
    [paymentId],
  )
  return rows[0]!.order_freed
}

test('P12: a success after the release debits the wallet again, and the payment is COMPLETED', async () => {
  const payment = await failed()
  const it = eventsOf(payment)
  const ledger = ledgerOf(payment)
  await runBatch(db, [capturedLate(payment), capturedLate(payment)])
  const recovering = await findOne(db, payment.paymentId)
  assert.deepEqual([recovering.status, recovering.lateCapture], ['FAILED', 'RECOVERING'])
  assert.equal(await isOrderFreed(payment), false)
  await ledger.settle()
  await runBatch(db, [capturedLate(payment), ...ledger.answers(), it.failed(), it.released()])
  const after = await findOne(db, payment.paymentId)
  assert.deepEqual([after.status, after.reason, after.psp], ['COMPLETED', null, 'main'])
  assert.equal(after.pspAnswer?.gateway_transaction_id, `late-${payment.paymentId}`)
  assert.deepEqual(ledger.balances, { wallet: -10_000n, suspense: 0n, receivable: 0n })
  const recovered = await emittedOf(db, 'payment.recovered', payment.paymentId)
  assert.deepEqual(
    recovered.map((event) => [event.external_order_id, event.amount]),
    [[payment.externalOrderId, '100.00']],
  )
  assert.equal(await countEvents(db, 'payment.finalized', payment.accountId), 1)
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('a success before the release is kept, and the order is never free in between', async () => {
  const payment = pendingPayment({ amountMinor: 10_000n })
  const it = eventsOf(payment)
  const ledger = ledgerOf(payment)
  await insert(payment)
  await runBatch(db, [it.reserved(), capturedLate(payment), it.failed()])
  assert.equal((await findOne(db, payment.paymentId)).lateCapture, 'RECEIVED')
  assert.deepEqual(await ledger.book(), [])
  await runBatch(db, [it.released()])
  assert.equal(await isOrderFreed(payment), false)
  await ledger.settle()
  assert.equal((await findOne(db, payment.paymentId)).status, 'COMPLETED')
  assert.equal(ledger.balances.wallet, -10_000n)
})

test('if the order is paid by another payment, the PSP is asked to refund and suspense ends at zero', async () => {
  const payment = await failed()
  const other = pendingPayment({ externalOrderId: payment.externalOrderId })
  await insert(other)
  const ledger = ledgerOf(payment)
  await runBatch(db, [capturedLate(payment), capturedLate(payment)])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: -10_000n, receivable: 0n })
  const refundId = lateCaptureRefundIdOf(payment.paymentId)
  const requested = await emittedOf(db, 'refund.requested', payment.paymentId)
  assert.deepEqual(
    requested.map((event) => [event.refund_id, event.amount]),
    [[refundId, '100.00']],
  )
  const refund = await findRefundRow(db, refundId)
  assert.deepEqual([refund.origin, refund.status], ['late_capture', 'PENDING'])
  await runBatch(db, [refundEventsOf(refund).succeeded()])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
  const after = await findOne(db, payment.paymentId)
  assert.deepEqual([after.status, after.lateCapture], ['FAILED', 'REFUNDING'])
  assert.equal(await isOrderFreed(payment), true)
  assert.equal((await findOne(db, other.paymentId)).status, 'PENDING')
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('a refund of a late success that fails at the PSP leaves a case', async () => {
  const payment = await failed()
  await insert(pendingPayment({ externalOrderId: payment.externalOrderId }))
  await runBatch(db, [capturedLate(payment)])
  const refund = await findRefundRow(db, lateCaptureRefundIdOf(payment.paymentId))
  const it = refundEventsOf(refund)
  await runBatch(db, [it.submitted(), it.failed(), it.failed()])
  assert.deepEqual(await casesOf(db, payment.accountId), ['success_after_failure'])
})

test('a wallet that cannot pay leaves the amount in suspense, the order free and one case', async () => {
  const payment = await failed()
  const ledger = ledgerOf(payment)
  await runBatch(db, [capturedLate(payment)])
  await ledger.settle({ solvent: false })
  await runBatch(db, [capturedLate(payment), ...ledger.answers()])
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: -10_000n, receivable: 0n })
  const after = await findOne(db, payment.paymentId)
  assert.deepEqual([after.status, after.reason], ['FAILED', 'gateway_declined'])
  assert.equal(await isOrderFreed(payment), true)
  assert.deepEqual(await casesOf(db, payment.accountId), ['success_after_failure'])
  assert.equal(await countEvents(db, 'case.opened', payment.accountId), 1)
  assert.equal(await countEvents(db, 'payment.recovered', payment.accountId), 0)
  await insert(pendingPayment({ externalOrderId: payment.externalOrderId }))
})

test('another amount than that of the payment books nothing and opens a case', async () => {
  const payment = await failed()
  const ledger = ledgerOf(payment)
  await runBatch(db, [capturedLate(payment, 9_999n)])
  assert.deepEqual(await ledger.book(), [])
  assert.equal((await findOne(db, payment.paymentId)).lateCapture, null)
  assert.equal(await isOrderFreed(payment), true)
  assert.deepEqual(await casesOf(db, payment.accountId), ['amount_mismatch'])
})

test('a second late success with another amount or currency opens a case, and books nothing', async () => {
  const payment = await failed()
  const ledger = ledgerOf(payment)
  const late = capturedLate(payment)
  await runBatch(db, [late])
  await runBatch(db, [capturedLate(payment, payment.amountMinor - 1n)])
  await ledger.settle()
  await runBatch(db, [capturedLate(payment, payment.amountMinor - 1n), late])
  await runBatch(db, [{ ...late, currency: 'EUR' }])
  await ledger.settle()
  assert.equal(ledger.answers().length, 1)
  assert.equal((await findOne(db, payment.paymentId)).lateCapture, 'RECOVERED')
  assert.deepEqual(await casesOf(db, payment.accountId), ['amount_mismatch', 'currency_mismatch'])
})

test('money that came back before its late success pays for it, and the wallet is unchanged', async () => {
  for (const together of [true, false]) {
    const payment = await failed()
    const ledger = ledgerOf(payment)
    const facts = [returnOf(payment, 4_000n), foundRefund(payment, 6_000n), capturedLate(payment)]
    for (const batch of together ? [facts] : facts.map((fact) => [fact])) await runBatch(db, batch)
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
    const after = await findOne(db, payment.paymentId)
    assert.deepEqual([after.status, after.lateCapture], ['FAILED', 'SUSPENDED'])
    assert.equal(await isOrderFreed(payment), true)
    assert.deepEqual(await casesOf(db, payment.accountId), [
      'refund_exceeds_captured',
      'return_of_unpaid_payment',
    ])
  }
})

test('a return while a late success is booked waits, and is credited if the payment recovers', async () => {
  for (const solvent of [true, false]) {
    const payment = await failed()
    const ledger = ledgerOf(payment)
    await runBatch(db, [capturedLate(payment), returnOf(payment, 10_000n)])
    await ledger.settle({ solvent })
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 0n, receivable: 0n })
    const { status, returnedMinor } = await findOne(db, payment.paymentId)
    assert.deepEqual([status, returnedMinor], solvent ? ['COMPLETED', 10_000n] : ['FAILED', 0n])
    const cases = solvent ? [] : ['return_of_unpaid_payment', 'success_after_failure']
    assert.deepEqual(await casesOf(db, payment.accountId), cases)
  }
})

test('a request to pay the order of a payment that is recovering is refused as in progress', async () => {
  const payment = await failed()
  await runBatch(db, [capturedLate(payment)])
  const requests = requestsOver(db)
  const { externalOrderId, userId } = payment
  for (const user of [userId, undefined]) {
    const outcome = await requests.request(
      ask({ externalOrderId, ...(user !== undefined && { userId: user }) }),
    )
    assert.deepEqual(show(outcome), [409, false])
    assert.match(
      outcome.kind === 'answered' ? outcome.answer.body : '',
      /"code":"ORDER_PAYMENT_IN_PROGRESS"/,
    )
  }
})

test('two failed payments of one order: one recovers, and the other is refunded at the PSP', async () => {
  const first = await failed()
  const second = await failed({ externalOrderId: first.externalOrderId })
  await runBatch(db, [capturedLate(second), capturedLate(first)])
  const states = [await findOne(db, first.paymentId), await findOne(db, second.paymentId)]
  assert.deepEqual(states.map(({ lateCapture }) => String(lateCapture)).toSorted(), [
    'RECOVERING',
    'REFUNDING',
  ])
})

test('a new payment and a late success that race for an order: one has it, and nothing is lost', async () => {
  const won = { late: 0, other: 0 }
  for (let round = 0; round < 40; round += 1) {
    const payment = await failed()
    const other = pendingPayment({ externalOrderId: payment.externalOrderId })
    const [late, accepted] = await Promise.allSettled([
      runBatch(db, [capturedLate(payment)]),
      insert(other),
    ])
    assert.equal(late.status, 'fulfilled')
    const after = await findOne(db, payment.paymentId)
    if (accepted.status === 'fulfilled') {
      won.other += 1
      assert.equal(after.lateCapture, 'REFUNDING')
      assert.equal(await countEvents(db, 'refund.requested', payment.accountId), 1)
    } else {
      won.late += 1
      assert(isUniqueViolation(accepted.reason, 'payments_occupy_an_order_alone'))
      assert.equal(after.lateCapture, 'RECOVERING')
    }
  }
  assert.equal(won.late + won.other, 40)
})

test('a late success waits for a payment of its order that is being accepted, and leaves it the order', async () => {
  const payment = await failed()
  const other = pendingPayment({ externalOrderId: payment.externalOrderId })
  let late: Promise<void> | undefined
  await transaction(db, async (tx) => {
    await saveRequests(tx, [], [other], [])
    late = runBatch(db, [capturedLate(payment)])
    await eventually(async () => {
      const { rows } = await db.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rows.length === 1
    })
  })
  await late
  assert.equal((await findOne(db, payment.paymentId)).lateCapture, 'REFUNDING')
  assert.equal((await findOne(db, other.paymentId)).status, 'PENDING')
})
