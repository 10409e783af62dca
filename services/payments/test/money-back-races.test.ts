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
import { disputeOf, findDispute } from './dispute-stories.ts'
import { foundRefund, openLedger, returnOf } from './fact-stories.ts'
import {
  pendingRefund,
  REFUND_STORIES,
  refundEventsOf,
  type RefundStory,
} from './refund-stories.ts'
import { capture, findOne, findRefundRow, requestRefunds, runBatch } from './spine.ts'

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

/** The numbers below `count` in an order that the seed fixes. */
function shuffled(count: number, seed: number): number[] {
  const [order] = fc.sample(fc.shuffledSubarray([...Array(count).keys()], { minLength: count }), {
    seed,
    numRuns: 1,
  })
  return order!
}

/** How many refunds were accepted after a dispute that is open; both times are of the lock. */
async function refundsDuringDispute({ paymentId }: Payment): Promise<number> {
  const { rowCount } = await db.query(
    `SELECT FROM refunds r JOIN disputes d USING (payment_id)
     WHERE payment_id = $1 AND d.outcome IS NULL AND r.created_at > d.received_at`,
    [paymentId],
  )
  return rowCount ?? 0
}

const RACES = 200
const AT_ONCE = 2

/**
 * One payment, and everything that can take of it at once: each begins a round trip to the database
 * after the one before it, in an order that the seed draws. Adds the statuses of the answers.
 */
async function race(seed: number, statuses: Set<number>): Promise<void> {
  const payment = await capture(db)
  const { paymentId } = payment
  const ledger = openLedger(db, () => [payment.accountId])
  const [first, second] = [pendingRefund(payment), pendingRefund(payment)]
  await requestRefunds(db, first, second)
  const instances = [instance(), instance()]
  const [lost, open] = [disputeOf(payment, 6_000n), disputeOf(payment, 1_000n)]
  const ask = async (place: number, amount?: string) => {
    const outcome = await instances[place]!.request(askRefund({ paymentId, amount }))
    assert(outcome.kind === 'answered')
    statuses.add(outcome.answer.status)
    return outcome.answer.status
  }
  const racers = [
    () => ask(0, '40.00'),
    () => ask(1, '40.00'),
    () => ask(0, '5.00'),
    () => ask(1),
    () => runBatch(db, [refundEventsOf(first).canceled()]),
    () => runBatch(db, REFUND_STORIES.refunded(refundEventsOf(second))),
    () => runBatch(db, [returnOf(payment, 3_000n)]),
    () => runBatch(db, [lost.opened()]),
    () => runBatch(db, [lost.closed('lost')]),
    () => runBatch(db, [open.opened()]),
    async () => runBatch(db, await ledger.book()),
  ]
  const started = shuffled(racers.length, seed).map(async (place, trips) => {
    for (let made = 0; made < trips; made += 1) await db.query('SELECT')
    await racers[place]!()
  })
  await Promise.all(started)
  await assertSums(payment)
  assert.equal(await ask(0), 409, 'a dispute is open')
  assert.equal((await findDispute(db, lost.disputeId))?.outcome, 'lost')
  assert.equal(await refundsDuringDispute(payment), 0)
  await runBatch(db, await storiesOf(payment, 'refunded'))
  await ledger.settle()
  const { refunded, returned } = await assertSums(payment)
  const { wallet, suspense } = ledger.balances
  assert.equal(wallet, refunded + returned, 'the wallet has what came back')
  assert.equal(wallet + suspense, refunded + 6_000n + 3_000n, 'all that moved at the PSP')
}

test('P12: refund, cancel, return and dispute racing on one payment keep the sum', async (t) => {
  const seed = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`CAUDAL_TEST_SEED=${seed}`)
  const statuses = new Set<number>()
  for (let place = 0; place < RACES; place += AT_ONCE) {
    const seeds = Array.from({ length: AT_ONCE }, (_, index) => seed + place + index)
    await Promise.all(seeds.map((one) => race(one, statuses)))
  }
  assert.deepEqual(statuses, new Set([202, 409, 422]), 'every answer was met')
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
