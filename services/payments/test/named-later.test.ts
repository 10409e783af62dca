import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { codeOf } from '@caudal/retry/connection-faults.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import { type Payment, shownStatusOf } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { createRefundRequests } from '../src/requests/refunds/request-refunds.ts'
import { FACTS_MOVED } from '../src/store/save-facts.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { askRefund } from './direct-requests.ts'
import { disputeOf, findDispute } from './dispute-stories.ts'
import { casesOf, countEvents, findReturn, openLedger, returnOf } from './fact-stories.ts'
import { REFUND_STORIES, refundEventsOf } from './refund-stories.ts'
import { capture, findOne, findRefundRow, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'named_later' })).pool
})

/** Asks for a refund, of all that remains without an amount; the status and code of the answer. */
async function refund({ paymentId }: Payment, amount?: string) {
  const requests = createRefundRequests({
    db,
    region: 'test',
    policy: { windowMs: 60_000, mostRefunds: 100 },
    afterCommit: () => {},
  })
  const outcome = await requests.request(askRefund({ paymentId, amount }))
  assert(outcome.kind === 'answered', JSON.stringify(outcome))
  const { code, refund_id: id } = JSON.parse(outcome.answer.body) as Record<string, string>
  return { status: outcome.answer.status, code, id }
}

/** Evidence of one return that names no payment, and the one that names it. */
function evidences(payment: Payment, amountMinor = payment.amountMinor, reason = 'MS03') {
  const returnId = newId()
  return {
    returnId,
    unnamed: returnOf(undefined, amountMinor, { returnId, reason }),
    named: () => ({ ...returnOf(payment, amountMinor, { returnId, reason }), event_id: newId() }),
  }
}

const ledgerOf = (payment: Payment, returnId: string) =>
  openLedger(db, () => [payment.accountId, returnId])

/** As the consumer: a batch that another one overtook is decided again. */
async function deliver(...events: ConsumedEvent[]): Promise<void> {
  for (;;) {
    try {
      return await runBatch(db, events)
    } catch (error) {
      if (codeOf(error) !== FACTS_MOVED && !isRetryable(error)) throw error
    }
  }
}

const sums = async ({ paymentId }: Payment) => {
  const { refundedMinor, pendingMinor, returnedMinor } = await findOne(db, paymentId)
  return [refundedMinor, pendingMinor, returnedMinor]
}

test('P12: a return in suspense whose payment is named later counts against its refunds', async () => {
  for (const isBooked of [true, false]) {
    const payment = await capture(db)
    const { returnId, unnamed, named } = evidences(payment, 6_000n)
    const ledger = ledgerOf(payment, returnId)
    await runBatch(db, [unnamed])
    if (isBooked) await ledger.settle()
    await runBatch(db, [named(), named()])
    await ledger.settle()
    await runBatch(db, [unnamed, named(), ...ledger.answers()])
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 6_000n, receivable: 0n })
    assert.equal(ledger.answers().length, 1)
    assert.deepEqual(await sums(payment), [0n, 6_000n, 0n])
    const refused = await refund(payment, '40.01')
    assert.deepEqual([refused.status, refused.code], [422, 'REFUND_EXCEEDS_CAPTURED'])
    const stored = await findReturn(db, returnId)
    assert.deepEqual([stored?.status, stored?.suspended_for], ['SUSPENDED', 'return_unmatched'])
    assert.equal(stored?.payment_id, payment.paymentId)
    assert.deepEqual(await casesOf(db, returnId), ['return_unmatched'])
    assert.equal(await countEvents(db, 'return.unmatched', returnId), 1)
    assert.equal(shownStatusOf(await findOne(db, payment.paymentId)), 'COMPLETED')
    assert.equal((await refund(payment, '40.00')).status, 202)
  }
})

test('a return that is named after a full refund stays in suspense with a case of its own', async () => {
  const payment = await capture(db)
  const { returnId, unnamed, named } = evidences(payment)
  const ledger = ledgerOf(payment, returnId)
  await runBatch(db, [unnamed])
  const accepted = await refund(payment)
  assert.equal(accepted.status, 202)
  await runBatch(db, [named()])
  const refundRow = await findRefundRow(db, accepted.id!)
  await runBatch(db, REFUND_STORIES.refunded(refundEventsOf(refundRow)))
  await ledger.settle()
  await runBatch(db, [named()])
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 10_000n, receivable: 0n })
  assert.deepEqual(await sums(payment), [10_000n, 0n, 0n])
  assert.equal((await findReturn(db, returnId))?.suspended_for, 'return_exceeds_captured')
  assert.deepEqual(await casesOf(db, returnId), ['return_exceeds_captured', 'return_unmatched'])
})

test('P12: of a full refund and the name of a full return that race exactly one is first', async () => {
  for (let round = 0; round < 20; round += 1) {
    const payment = await capture(db)
    const { returnId, unnamed, named } = evidences(payment)
    const ledger = ledgerOf(payment, returnId)
    await runBatch(db, [unnamed])
    const name = async () => {
      if (round % 2 === 0) await db.query('SELECT')
      await deliver(named())
    }
    const [{ status }] = await Promise.all([
      refund(payment),
      name(),
      ledger.book().then((answers) => deliver(...answers)),
    ])
    const reason = status === 202 ? 'return_exceeds_captured' : 'return_unmatched'
    const stored = await findReturn(db, returnId)
    assert.deepEqual([stored?.status, stored?.suspended_for], ['SUSPENDED', reason])
    assert.deepEqual(await sums(payment), [0n, 10_000n, 0n], 'one of both takes all')
  }
})

test('both evidences of a return at once are one return, whichever is first', async () => {
  for (let round = 0; round < 10; round += 1) {
    const payment = await capture(db)
    const { returnId, unnamed, named } = evidences(payment)
    const ledger = ledgerOf(payment, returnId)
    await Promise.all([deliver(unnamed), deliver(named())])
    await ledger.settle()
    const { wallet, suspense } = ledger.balances
    assert.equal(wallet + suspense, 10_000n)
    assert.equal((await refund(payment, '0.01')).code, 'REFUND_EXCEEDS_CAPTURED')
  }
})

test('a return that names an unfinished payment later waits in suspense for its end', async () => {
  for (const isPaid of [true, false]) {
    const payment = pendingPayment({ amountMinor: 10_000n })
    await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
    const it = eventsOf(payment)
    const { returnId, unnamed, named } = evidences(payment)
    const ledger = ledgerOf(payment, returnId)
    await runBatch(db, [it.reserved(), it.inDoubt(), unnamed])
    await runBatch(db, [named()])
    await ledger.settle()
    await runBatch(db, isPaid ? [it.completed()] : [it.failed(), it.released()])
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 10_000n, receivable: 0n })
    assert.deepEqual(await sums(payment), [0n, isPaid ? 10_000n : 0n, 0n])
    const reasons = isPaid ? [] : ['return_of_unpaid_payment']
    assert.deepEqual(await casesOf(db, returnId), [...reasons, 'return_unmatched'])
    assert.equal((await findOne(db, payment.paymentId)).keepsFacts, false)
  }
})

test('a return cannot be named by a payment of another currency', async () => {
  const payment = await capture(db)
  const returnId = newId()
  await runBatch(db, [returnOf(undefined, 5_000n, { returnId, currency: 'EUR' })])
  await runBatch(db, [returnOf(payment, 5_000n, { returnId, currency: 'EUR' })])
  assert.equal((await findReturn(db, returnId))?.payment_id, null)
  assert.deepEqual(await casesOf(db, payment.accountId), ['currency_mismatch'])
  assert.deepEqual(await sums(payment), [0n, 0n, 0n])
})

test('a return takes the tenant of the payment that is named later, and opens a case there', async () => {
  const payment = await capture(db, { tenantId: 'other' })
  const { returnId, unnamed, named } = evidences(payment)
  await runBatch(db, [unnamed])
  await runBatch(db, [named()])
  const { rows } = await db.query<{ tenant_id: string }>(
    `SELECT tenant_id FROM cases WHERE subject_id = $1 AND reason = 'return_unmatched' ORDER BY 1`,
    [returnId],
  )
  assert.deepEqual(
    rows.map((row) => row.tenant_id),
    ['caudal', 'other'],
  )
})

test('P12: the money of a lost dispute counts once its payment is named, by whichever evidence', async () => {
  for (const by of ['opened', 'closed', 'other end'] as const) {
    const payment = await capture(db)
    const disputeId = newId()
    const unnamed = disputeOf(undefined, 10_000n, { disputeId })
    const named = disputeOf(payment, 10_000n, { disputeId })
    const ledger = ledgerOf(payment, disputeId)
    await runBatch(db, [unnamed.opened(), unnamed.closed('lost')])
    await ledger.settle()
    const naming = {
      opened: named.opened(),
      closed: named.closed('lost'),
      'other end': named.closed('won'),
    }
    await runBatch(db, [naming[by]])
    await runBatch(db, [{ ...naming[by], event_id: newId() }])
    assert.equal((await findDispute(db, disputeId))?.payment_id, payment.paymentId)
    assert.deepEqual(await sums(payment), [0n, 10_000n, 0n])
    assert.equal((await refund(payment, '0.01')).code, 'REFUND_EXCEEDS_CAPTURED')
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 10_000n, receivable: 0n })
  }
})

test('an end that names no payment ends the dispute of the payment that was named before', async () => {
  for (const isTogether of [true, false]) {
    const payment = await capture(db)
    const disputeId = newId()
    const opened = disputeOf(payment, 10_000n, { disputeId }).opened()
    const closed = disputeOf(undefined, 10_000n, { disputeId }).closed('lost')
    const ledger = ledgerOf(payment, disputeId)
    for (const batch of isTogether ? [[opened, closed]] : [[opened], [closed]]) {
      await runBatch(db, batch)
    }
    await ledger.settle()
    assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
    assert.deepEqual(await sums(payment), [0n, 0n, 10_000n])
  }
})
