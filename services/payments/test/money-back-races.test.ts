import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import * as fc from 'fast-check'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { createRefundRequests } from '../src/requests/refunds/request-refunds.ts'
import { askRefund } from './direct-requests.ts'
import { foundRefund, openLedger, returnOf } from './fact-stories.ts'
import { REFUND_STORIES, refundEventsOf, type RefundStory } from './refund-stories.ts'
import { capture, findOne, findRefundRow, runBatch } from './spine.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'money_back_races' })).pool
})

/** What comes back in one round, all at once; amounts in whole units. */
interface Round {
  refunds: number[]
  returned: number | null
  found: number | null
  story: RefundStory
}

const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    refunds: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
    returned: fc.option(fc.integer({ min: 1, max: 60 })),
    found: fc.option(fc.integer({ min: 1, max: 30 })),
    story: fc.constantFrom(...(Object.keys(REFUND_STORIES) as RefundStory[])),
  }),
  { minLength: 2, maxLength: 5 },
)

const instance = () =>
  createRefundRequests({
    db,
    region: 'test',
    policy: { windowMs: 60_000, mostRefunds: 100 },
    afterCommit: () => {},
  })

/** The sums of the payment, which must be those of the rows behind them, and within captured. */
async function assertSums(payment: Payment): Promise<{ refunded: bigint; returned: bigint }> {
  const { rows } = await db.query<{ refunded: bigint; pending: bigint; returned: bigint }>(
    `SELECT
       coalesce((SELECT sum(amount_minor) FROM refunds
         WHERE payment_id = $1 AND status = 'SUCCEEDED'), 0)::bigint AS refunded,
       coalesce((SELECT sum(amount_minor) FROM refunds
         WHERE payment_id = $1 AND credited_at IS NULL
           AND (refused_at IS NULL OR approved_at IS NOT NULL)), 0)::bigint
       + coalesce((SELECT sum(amount_minor) FROM returns
         WHERE payment_id = $1 AND status = 'MATCHED'), 0)::bigint AS pending,
       coalesce((SELECT sum(amount_minor) FROM returns
         WHERE payment_id = $1 AND status = 'CREDITED'), 0)::bigint AS returned`,
    [payment.paymentId],
  )
  const now = await findOne(db, payment.paymentId)
  const { refunded, pending, returned } = rows[0]!
  assert.deepEqual(
    [now.refundedMinor, now.pendingMinor, now.returnedMinor],
    [refunded, pending, returned],
  )
  assert(refunded + pending + returned <= now.amountMinor)
  return { refunded, returned }
}

/** The events of the story for each refund of the payment that has none yet. */
async function storiesOf(payment: Payment, story: RefundStory): Promise<ConsumedEvent[]> {
  const { rows } = await db.query<{ refund_id: string }>(
    `SELECT refund_id FROM refunds WHERE payment_id = $1 AND status = 'PENDING'
       AND origin = 'client'`,
    [payment.paymentId],
  )
  const refunds = await Promise.all(rows.map(({ refund_id: id }) => findRefundRow(db, id)))
  return refunds.flatMap((refund) => REFUND_STORIES[story](refundEventsOf(refund)))
}

test('P12: refunds, cancels, returns and found refunds that race on a payment keep its sums', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (plan) => {
      const payment = await capture(db)
      const ledger = openLedger(db, () => [payment.accountId])
      const instances = [instance(), instance()]
      let answered = 0
      for (const { refunds, returned, found, story } of plan) {
        const results = await storiesOf(payment, story)
        const facts = [
          ...(returned === null ? [] : [returnOf(payment, BigInt(returned) * 100n)]),
          ...(found === null ? [] : [foundRefund(payment, BigInt(found) * 100n)]),
        ]
        const requests = refunds.map((amount, index) =>
          instances[index % 2]!.request(
            askRefund({ paymentId: payment.paymentId, amount: `${amount}.00` }),
          ),
        )
        const [outcomes] = await Promise.all([
          Promise.all(requests),
          runBatch(db, results),
          runBatch(db, facts),
          ledger.book().then((postings) => runBatch(db, postings)),
        ])
        answered += outcomes.filter(({ kind }) => kind === 'answered').length
        await assertSums(payment)
      }
      await ledger.settle()
      const { refunded, returned } = await assertSums(payment)
      assert.equal(ledger.balances.wallet, refunded + returned, 'each credit once')
      assert.equal(answered, plan.flatMap(({ refunds }) => refunds).length)
    }),
    { numRuns: 12 },
  )
})

test('P12: the same refund result at two consumers at once is credited once', async () => {
  const payment = await capture(db)
  const one = instance()
  await one.request(askRefund({ paymentId: payment.paymentId, amount: undefined }))
  const events = await storiesOf(payment, 'refunded')
  const again = events.map((event) => ({ ...event, event_id: newId() }))
  await Promise.all([runBatch(db, events), runBatch(db, again), runBatch(db, events)])
  const ledger = openLedger(db, () => [payment.accountId])
  const postings = await ledger.book()
  assert.equal(postings.length, 1)
  await Promise.all([runBatch(db, postings), runBatch(db, postings)])
  await assertSums(payment)
  assert.equal((await findOne(db, payment.paymentId)).refundedMinor, payment.amountMinor)
})
