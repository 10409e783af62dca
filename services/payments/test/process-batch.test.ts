import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { CommitRefusedError } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import * as fc from 'fast-check'
import type { PaymentEvent } from '../src/domain/evolve.ts'
import { isFinalStatus, type Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { processBatch } from '../src/process-batch.ts'
import { lockPayments } from '../src/store/lock-payments.ts'
import { PAYMENTS_MOVED, savePayments } from '../src/store/save-payments.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { decideEach, eventsOf, finalizedIn, pendingPayment, plots } from './stories.ts'

const scope = suiteScope()
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
let db: Db
let offset = 0n

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'process' })).pool
})

function incomingOf(event: PaymentEvent): IncomingEvent<PaymentEvent> {
  offset += 1n
  const topic =
    event.event_type === 'funds.reserved'
      ? TOPICS.fundsReserved
      : event.event_type === 'funds.released'
        ? TOPICS.fundsReleased
        : TOPICS.paymentsResults
  const headers = { traceparent: TRACEPARENT }
  const record = { topic, partition: 0, offset, key: event.account_id, value: '', headers }
  return { event, record }
}

/** Runs a batch as the consumer does, offsets aside. */
async function run(events: readonly PaymentEvent[], afterCommit = () => {}): Promise<void> {
  const deps = { region: 'test', returnCharges: 'operator' as const, afterCommit }
  const result = await transaction(db, (tx) => processBatch(deps, tx, events.map(incomingOf)))
  assert.equal(result.outcomes.length, events.length)
  result.afterCommit?.()
}

async function insert(...payments: Payment[]): Promise<void> {
  await transaction(db, (tx) => saveRequests(tx, [], payments, []))
}

async function load(payments: Iterable<Payment>): Promise<Map<string, Payment>> {
  const ids = [...payments].map((payment) => payment.paymentId)
  return (await transaction(db, (tx) => lockPayments(tx, ids))).payments
}

interface FinalizedRow {
  payment_id: string
  status: string
  reason: string | null
}

async function finalizedOf(payments: Iterable<Payment>) {
  const ids = [...payments].map((payment) => payment.paymentId)
  const { rows } = await db.query<
    FinalizedRow & { headers: string; record_key: string; account: string }
  >(
    `SELECT e ->> 'payment_id' AS payment_id, e ->> 'status' AS status, e ->> 'reason' AS reason,
       e ->> 'account_id' AS account, headers, record_key
     FROM (SELECT payload::jsonb AS e, headers, record_key FROM outbox
           WHERE topic = 'payments.finalized') AS finalized
     WHERE e ->> 'payment_id' = ANY($1)`,
    [ids],
  )
  return rows
}

test('a payment changes state over several batches and payment.finalized is emitted once', async () => {
  const payment = pendingPayment()
  const it = eventsOf(payment)
  await insert(payment)
  await run([it.reserved()])
  await run([it.inDoubt()])
  await run([it.completed()])
  await run([it.completed(), it.reserved()])
  const after = (await load([payment])).get(payment.paymentId)!
  assert.equal(after.status, 'COMPLETED')
  assert(after.reservedAt && after.inDoubtAt && after.finalizedAt)
  assert(after.reservedAt < after.finalizedAt)
  assert.equal(after.pspAnswer?.gateway_transaction_id, `psp-${payment.paymentId}`)
  const finalized = await finalizedOf([payment])
  assert.equal(finalized.length, 1)
  assert.equal(finalized[0]?.record_key, payment.accountId)
  assert.match(
    finalized[0]?.headers ?? '',
    /00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)/,
  )
})

test('the order of a failed payment is free only after the hold is released', async () => {
  const payment = pendingPayment()
  const retry = () => pendingPayment({ externalOrderId: payment.externalOrderId })
  const it = eventsOf(payment)
  await insert(payment)
  await run([it.reserved(), it.failed()])
  await assert.rejects(insert(retry()), { constraint: 'payments_occupy_an_order_alone' })
  assert.deepEqual(await finalizedOf([payment]), [])
  await run([it.released()])
  await insert(retry())
  assert.equal((await finalizedOf([payment]))[0]?.reason, 'gateway_declined')
})

test('an event of an unknown payment is parked with a readable cause', async () => {
  const [known, unknown] = [pendingPayment(), pendingPayment()]
  await insert(known)
  const batch = [eventsOf(known).reserved(), eventsOf(unknown).reserved()]
  await assert.rejects(run(batch), (error) => {
    assert(error instanceof ParkError)
    assert.deepEqual(
      error.parked.map(({ kind, cause, record }) => [kind, cause, record.key]),
      [['waiting', `payment ${unknown.paymentId} is not known here`, unknown.accountId]],
    )
    return true
  })
  assert.equal((await load([known])).get(known.paymentId)?.status, 'PENDING')
})

test('SQL and the fold in memory agree for any order, repeats and batches (F4)', async () => {
  await fc.assert(
    fc.asyncProperty(plots(), async ({ stories, batches }) => {
      await insert(...stories.keys())
      let expected = new Map([...stories.keys()].map((payment) => [payment.paymentId, payment]))
      for (const batch of batches) {
        await run(batch)
        expected = fold(expected, batch)
      }
      const actual = await load(stories.keys())
      for (const [id, payment] of expected) {
        assert.deepEqual(timeless(actual.get(id)!), timeless(payment))
      }
      const finalized = await finalizedOf(stories.keys())
      const ended = [...expected.values()].filter(({ status }) => isFinalStatus(status))
      assert.deepEqual(
        finalized.map((one) => `${one.payment_id} ${one.status} ${one.reason}`).toSorted(),
        ended.map((one) => `${one.paymentId} ${one.status} ${one.reason}`).toSorted(),
      )
      await run(batches.flat())
      assert.deepEqual(await load(stories.keys()), actual)
      assert.equal((await finalizedOf(stories.keys())).length, finalized.length)
    }),
    { numRuns: 25 },
  )
})

function fold(payments: Map<string, Payment>, events: readonly PaymentEvent[]) {
  const { changed } = decideEach(payments.values(), events)
  return new Map([...payments, ...changed.map(({ after }) => [after.paymentId, after] as const)])
}

/** Times differ between the fold and the database; whether there is one must not. */
function timeless(payment: Payment) {
  const { updatedAt: _, reservedAt, inDoubtAt, finalizedAt, ...rest } = payment
  const seen = { reserved: reservedAt !== null, inDoubt: inDoubtAt !== null }
  return { ...rest, ...seen, finalized: finalizedAt !== null }
}

test('concurrent batches of the same payments never deadlock or lose a step', async () => {
  const payments = Array.from({ length: 20 }, () => pendingPayment())
  await insert(...payments)
  const perPayment = payments.map((payment) => eventsOf(payment))
  await Promise.all([
    run(perPayment.map((it) => it.reserved())),
    run(perPayment.toReversed().map((it) => it.completed())),
    run(perPayment.map((it) => it.inDoubt())),
  ])
  const after = await load(payments)
  assert([...after.values()].every(({ status }) => status === 'COMPLETED'))
  assert.equal((await finalizedOf(payments)).length, payments.length)
})

test('planted: a refused compare-and-set raises before any effect, including its event (rule 1)', async () => {
  const [payment, neighbour] = [pendingPayment(), pendingPayment()]
  await insert(payment, neighbour)
  const both = [payment, neighbour]
  const decision = decideEach(
    both,
    both.map((one) => eventsOf(one).completed()),
  )
  await run([eventsOf(payment).inDoubt()]) // another process changed it since it was loaded
  const events = finalizedIn(decision).map(({ event }) => ({ event }))
  const attempt = transaction(db, async (tx) => {
    const saved = savePayments(tx, decision.changed, events)
    const behind = tx.query(`UPDATE payments SET reason = 'circuit_open' WHERE payment_id = $1`, [
      neighbour.paymentId,
    ])
    const [outcome] = await Promise.allSettled([saved, behind])
    if (outcome.status === 'rejected') throw outcome.reason
  })
  await assert.rejects(attempt, { code: PAYMENTS_MOVED })
  const after = await load([payment, neighbour])
  assert.equal(after.get(payment.paymentId)?.status, 'IN_DOUBT')
  assert.deepEqual(after.get(neighbour.paymentId), neighbour)
  assert.deepEqual(await finalizedOf([payment, neighbour]), [])
})

test('planted: a COMMIT that answers ROLLBACK is detected, and the batch has no effect (rule 1)', async () => {
  const payment = pendingPayment()
  await insert(payment)
  let followed = false
  const deps = {
    region: 'test',
    returnCharges: 'operator' as const,
    afterCommit: () => (followed = true),
  }
  const attempt = transaction(db, async (tx) => {
    const incoming = [incomingOf(eventsOf(payment).completed())]
    const result = await processBatch(deps, tx, incoming)
    await tx.query('SELECT 1 / 0').catch(() => {}) // an error that is ignored
    return result
  }).then((result) => result.afterCommit?.())
  await assert.rejects(attempt, CommitRefusedError)
  assert.equal(followed, false)
  assert.equal((await load([payment])).get(payment.paymentId)?.status, 'PENDING')
})

test('the service can neither change the agreed facts nor delete anything (P3)', async () => {
  const payment = pendingPayment()
  await insert(payment)
  for (const statement of [
    'UPDATE payments SET amount_minor = 1',
    'UPDATE payments SET external_order_id = payment_id',
    'DELETE FROM payments',
    'TRUNCATE payments',
    `UPDATE idempotency_keys SET body = ''`,
    'DELETE FROM idempotency_keys',
  ]) {
    await assert.rejects(db.query(statement), { code: '42501' }, statement)
  }
})
