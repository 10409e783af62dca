import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { RefundEvent } from '../src/domain/evolve-refund.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { answerOf, pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, emittedOf, findOne, findRefundRow, requestRefunds, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'refund_events' })).pool
})

/** A captured payment of 100.00 with a refund of 40.00, and the events of the refund. */
async function refundOf() {
  const payment = await capture(db)
  const refund = pendingRefund(payment, { amountMinor: 4_000n, metadata: { ticket: 'A\u0000"1' } })
  await requestRefunds(db, refund)
  return { payment, refund, it: refundEventsOf(refund) }
}

/** The postings that were asked for, as the ledger books them. */
async function booked(paymentId: string): Promise<RefundEvent[]> {
  const postings = await emittedOf(db, 'posting.requested', paymentId)
  return postings.map((posting) => answerOf(posting))
}

test('P12, F6: a refund is credited once and then taken back once, over several batches', async () => {
  const { payment, refund, it } = await refundOf()
  await runBatch(db, [it.submitted()])
  await runBatch(db, [it.inDoubt(), it.succeeded()])
  await runBatch(db, [it.succeeded()])
  assert.equal((await findRefundRow(db, refund.refundId)).status, 'IN_DOUBT')
  const credit = await booked(payment.paymentId)
  assert.equal(credit.length, 1)
  await runBatch(db, [...credit, ...credit])
  const credited = await findRefundRow(db, refund.refundId)
  assert.deepEqual([credited.status, credited.version], ['SUCCEEDED', 4])
  assert.deepEqual(credited.metadata, refund.metadata)
  assert.equal((await findOne(db, payment.paymentId)).refundedMinor, 4_000n)
  await runBatch(db, [it.reversed(), it.reversed()])
  const both = await booked(payment.paymentId)
  assert.equal(both.length, 2)
  await runBatch(db, both)
  await runBatch(db, both)
  assert.equal((await findRefundRow(db, refund.refundId)).status, 'REVERSED')
  const { refundedMinor, pendingMinor, status } = await findOne(db, payment.paymentId)
  assert.deepEqual([refundedMinor, pendingMinor, status], [0n, 0n, 'COMPLETED'])
  const finalized = await emittedOf(db, 'refund.finalized', payment.paymentId)
  assert.deepEqual(
    finalized.map((event) => [event.status, event.version]),
    [
      ['SUCCEEDED', 4],
      ['REVERSED', 5],
    ],
  )
})

test('batches of the same payments with refunds at once never deadlock or lose a sum', async () => {
  const known = await Promise.all(Array.from({ length: 8 }, () => refundOf()))
  await Promise.all([
    runBatch(
      db,
      known.map(({ it }) => it.submitted()),
    ),
    runBatch(
      db,
      known.toReversed().map(({ it }) => it.succeeded()),
    ),
    runBatch(
      db,
      known.map(({ it }) => it.inDoubt()),
    ),
  ])
  for (const { payment, refund } of known) {
    await runBatch(db, await booked(payment.paymentId))
    assert.equal((await findRefundRow(db, refund.refundId)).status, 'SUCCEEDED')
    const { refundedMinor, pendingMinor } = await findOne(db, payment.paymentId)
    assert.deepEqual([refundedMinor, pendingMinor], [4_000n, 0n])
  }
})

test('a result of an unknown refund, or of one of another payment, waits', async () => {
  const [known, other] = [await refundOf(), await refundOf()]
  const unknown = pendingRefund(known.payment)
  const strange = { ...other.it.submitted(), payment_id: known.payment.paymentId }
  const posted = refundEventsOf(unknown).credited()
  for (const event of [refundEventsOf(unknown).submitted(), strange, posted]) {
    await assert.rejects(runBatch(db, [known.it.submitted(), event]), (error) => {
      assert(error instanceof ParkError)
      assert.deepEqual(
        error.parked.map(({ kind }) => kind),
        ['waiting'],
      )
      assert.match(error.parked[0]!.cause, /^refund \S+ is not known here$/)
      return true
    })
  }
  assert.equal((await findRefundRow(db, known.refund.refundId)).status, 'PENDING')
})

test('a batch of payments alone is one statement to load and one to write', async () => {
  const payments = [pendingPayment(), pendingPayment()]
  await transaction(db, (tx) => saveRequests(tx, [], payments, []))
  let statements = 0
  const counted = (tx: Tx): Tx =>
    new Proxy(tx, {
      get(client, name) {
        if (name === 'query') statements += 1
        const member: unknown = Reflect.get(client, name, client)
        return typeof member === 'function' ? (member.bind(client) as unknown) : member
      },
    })
  await runBatch(
    db,
    payments.map((payment) => eventsOf(payment).completed()),
    counted,
  )
  assert.equal(statements, 2)
})

test('the database refuses refunds beyond what was captured, and changes of what was asked', async () => {
  const { payment, refund } = await refundOf()
  await assert.rejects(
    db.query('UPDATE payments SET refunded_minor = 6001 WHERE payment_id = $1', [
      payment.paymentId,
    ]),
    { constraint: 'payments_give_back_what_was_captured_at_most' },
  )
  for (const statement of [
    'UPDATE refunds SET amount_minor = 1',
    `UPDATE refunds SET metadata = '{}'`,
    'DELETE FROM refunds',
    `UPDATE refund_keys SET body = ''`,
    'DELETE FROM refund_keys',
  ]) {
    await assert.rejects(db.query(statement), { code: '42501' }, statement)
  }
  await assert.rejects(requestRefunds(db, { ...refund, refundId: newId(), amountMinor: 6_001n }), {
    constraint: 'payments_give_back_what_was_captured_at_most',
  })
})
