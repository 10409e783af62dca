import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import * as fc from 'fast-check'
import type { ConsumedEvent } from '../src/domain/consumed-event.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { disputeOf } from './dispute-stories.ts'
import { capturedLate, casesOf, foundRefund, openLedger, returnOf } from './fact-stories.ts'
import { pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, findOne, requestRefunds, runBatch } from './spine.ts'
import { eventsOf, pendingPayment, STORIES } from './stories.ts'

const CAPTURED = 10_000n
const AMOUNTS = [1_000n, 4_000n, 6_000n, CAPTURED]

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'order' })).pool
})

/** How a payment ends, and what is learnt about it on the side. */
interface Plot {
  course: 'captured' | 'completed' | 'completedAfterDoubt' | 'declined' | 'declinedAfterDoubt'
  /** Of a captured payment; whether each succeeds. */
  refunds: { amountMinor: bigint; succeeds: boolean }[]
  /** In the order of their topic. */
  facts: ('money' | 'late')[]
  kind: 'return' | 'found' | 'lost dispute'
  /** Whether each return or end of a dispute is also reported without its payment. */
  isUnnamed: boolean
  /** Disputes that are opened and won beside it. */
  won: number
  amountMinor: bigint
  wallet: { creditable: boolean; solvent: boolean }
}

const plots: fc.Arbitrary<Plot> = fc.record({
  course: fc.constantFrom(
    'captured',
    'captured',
    'completed',
    'completedAfterDoubt',
    'declined',
    'declinedAfterDoubt',
  ),
  refunds: fc.array(
    fc.record({ amountMinor: fc.constantFrom(1_000n, 5_000n), succeeds: fc.boolean() }),
    { maxLength: 2 },
  ),
  facts: fc.array(fc.constantFrom('money', 'money', 'late'), { maxLength: 4 }),
  kind: fc.constantFrom('return', 'found', 'lost dispute'),
  isUnnamed: fc.boolean(),
  won: fc.nat(2),
  amountMinor: fc.constantFrom(...AMOUNTS),
  wallet: fc.record({ creditable: fc.boolean(), solvent: fc.boolean() }),
})

/** What can arrive independently of each other; the order within each is fixed. */
interface Scene {
  payment: Payment
  streams: ConsumedEvent[][]
  /** The keys of its events: its account, and returns whose payment is named later. */
  accounts: string[]
}

async function setUp({ isUnnamed, amountMinor, ...plot }: Plot): Promise<Scene> {
  const { course, refunds, facts, kind, won } = plot
  const isCaptured = course === 'captured'
  const payment = isCaptured ? await capture(db) : pendingPayment({ amountMinor: CAPTURED })
  const streams: ConsumedEvent[][] = []
  const accounts = [payment.accountId]
  const unnamed = (id: string, event: ConsumedEvent): void => {
    if (!isUnnamed) return
    streams.push([event])
    accounts.push(id)
  }
  if (isCaptured) {
    const asked = refunds.map((it) => pendingRefund(payment, { amountMinor: it.amountMinor }))
    await requestRefunds(db, ...asked)
    for (const [index, refund] of asked.entries()) {
      const it = refundEventsOf(refund)
      streams.push([it.submitted(), refunds[index]!.succeeds ? it.succeeded() : it.failed()])
    }
  } else {
    await transaction(db, (tx) => saveRequests(tx, [], [payment], []))
    // Each is of a topic of its own, or may be read before the others.
    for (const event of STORIES[course](eventsOf(payment))) streams.push([event])
  }
  const isFailure = course.startsWith('declined')
  streams.push(
    facts.flatMap((fact): ConsumedEvent[] => {
      if (fact === 'late') return isFailure ? [capturedLate(payment)] : []
      if (kind === 'found') return [foundRefund(payment, amountMinor)]
      if (kind === 'return') {
        const returnId = newId()
        unnamed(returnId, returnOf(undefined, amountMinor, { returnId }))
        return [returnOf(payment, amountMinor, { returnId })]
      }
      const { disputeId, opened, closed } = disputeOf(payment, amountMinor)
      streams.push([opened()])
      unnamed(disputeId, disputeOf(undefined, amountMinor, { disputeId }).closed('lost'))
      return [closed('lost')]
    }),
  )
  for (let made = 0; made < won; made += 1) {
    const { opened, closed } = disputeOf(payment, amountMinor)
    streams.push([opened()], [closed('won')])
  }
  return { payment, streams, accounts }
}

/** Delivers the streams interleaved, repeated and in batches, as the numbers draw. */
async function play(scene: Scene, { wallet }: Plot, numbers: readonly number[]) {
  const { streams, accounts } = scene
  let drawn = 0
  const draw = (below: number): number => numbers[drawn++ % numbers.length]! % below
  const ledger = openLedger(db, () => accounts)
  const left = streams.map((stream) => [...stream]).filter(({ length }) => length > 0)
  const seen: ConsumedEvent[] = []
  let batch: ConsumedEvent[] = []
  const deliver = async () => {
    if (batch.length > 0) await runBatch(db, batch)
    batch = []
  }
  while (left.length > 0) {
    const place = draw(left.length)
    const stream = left[place]!
    const event = stream.shift()!
    if (stream.length === 0) left.splice(place, 1)
    seen.push(event)
    batch.push(event)
    if (draw(3) === 0) batch.push({ ...seen[draw(seen.length)]!, event_id: newId() })
    if (draw(2) === 0) await deliver()
    if (draw(3) === 0) left.push(await ledger.book(wallet))
    if (left.at(-1)?.length === 0) left.pop()
  }
  await deliver()
  await ledger.settle(wallet)
  const end = await endOf(scene, ledger.balances)
  for (const event of [...seen, ...ledger.answers()]) await runBatch(db, [event])
  await ledger.settle(wallet)
  assert.deepEqual(await endOf(scene, ledger.balances), end, 'a repeat changed something')
  return { ...end, booked: ledger.answers() }
}

async function endOf({ payment, accounts }: Scene, balances: Record<string, bigint>) {
  const { paymentId } = payment
  const { status, lateCapture, keepsFacts, refundedMinor, pendingMinor, returnedMinor } =
    await findOne(db, paymentId)
  const { rows: facts } = await db.query<{
    fact: string
    suspended_for: string | null
    is_uncounted: boolean
  }>(
    `SELECT status || ' ' || coalesce(suspended_for, '') AS fact, suspended_for, is_uncounted FROM (
       SELECT status, suspended_for,
         suspended_for IS NOT DISTINCT FROM 'return_unmatched' AND matched_at IS NULL
           AS is_uncounted
       FROM returns WHERE payment_id = $1
       UNION ALL
       SELECT status, suspended_for, false FROM found_refunds WHERE payment_id = $1) AS all_facts
     ORDER BY 1`,
    [paymentId],
  )
  const { rows: disputes } = await db.query<{ outcome: string | null }>(
    'SELECT outcome FROM disputes WHERE payment_id = $1 ORDER BY outcome',
    [paymentId],
  )
  return {
    disputes: disputes.map(({ outcome }) => outcome),
    payment: { status, lateCapture, keepsFacts },
    sums: { refundedMinor, pendingMinor, returnedMinor },
    facts: facts.map(({ fact }) => fact),
    uncounted: facts.filter(({ is_uncounted: it }) => it).length,
    suspended: facts.filter((one) => one.suspended_for !== null).length,
    cases: (await Promise.all(accounts.map((id) => casesOf(db, id)))).flat(),
    balances: { ...balances },
  }
}

type End = Awaited<ReturnType<typeof play>>

/** What holds whatever came when. */
function check(plot: Plot, end: End): void {
  const { payment, sums, balances, cases: all } = end
  const reports = plot.facts.filter((fact) => fact === 'money').length
  const money = BigInt(reports) * plot.amountMinor
  assert.equal(end.facts.length, reports, 'what came back has its payment')
  const isFailure = plot.course.startsWith('declined')
  const isLate = isFailure && plot.facts.includes('late')
  const refunded = plot.course === 'captured' ? plot.refunds.filter((it) => it.succeeds) : []
  const given = refunded.reduce((sum, it) => sum + it.amountMinor, money)
  assert.equal(
    balances['wallet']! + balances['suspense']!,
    given - (isLate ? CAPTURED : 0n),
    'all money that moved at the PSP is booked once',
  )
  assert.equal(end.uncounted, 0, 'a return of the payment is not counted, and has no reason')
  const back = sums.refundedMinor + sums.pendingMinor + sums.returnedMinor
  assert.ok(back <= CAPTURED, 'more is back than was captured')
  assert.equal(payment.keepsFacts, false, 'facts of a payment that ended still wait')
  const inSuspense = end.facts.filter((fact) => fact.startsWith('SUSPENDED')).length
  const lost = plot.kind === 'lost dispute' ? reports : 0
  assert.deepEqual(end.disputes, [
    ...Array<string>(lost).fill('lost'),
    ...Array<string>(plot.won).fill('won'),
  ])
  const ofDisputes = all.filter((reason) => reason === 'payment_disputed')
  assert.equal(ofDisputes.length, end.disputes.length, 'each dispute is one case')
  const cases = all.filter((reason) => reason !== 'payment_disputed')
  const ofFacts = cases.filter((reason) => reason !== 'success_after_failure')
  assert.ok(ofFacts.length >= inSuspense, 'money in suspense without a case')
  if (balances['suspense'] !== 0n && payment.lateCapture !== 'REFUNDING') {
    assert.ok(cases.length > 0, 'money in suspense without a case')
  }
  const ids = end.booked.map((posting) => posting.posting_id)
  assert.equal(new Set(ids).size, ids.length)
}

/**
 * A refund that fails frees its share at some time, so what fits before and after it differs. Money
 * whose payment is named later stays in suspense.
 */
function hasOneEnd({ course, refunds, isUnnamed }: Plot): boolean {
  if (isUnnamed) return false
  return course !== 'captured' || refunds.every(({ succeeds }) => succeeds)
}

const numbers = fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 })

test('P12: any order, batches and repeats of facts have the same end, and no more is back than captured', async (t) => {
  const seed = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`CAUDAL_TEST_SEED=${seed}`)
  await fc.assert(
    fc.asyncProperty(plots, numbers, numbers, async (plot, one, other) => {
      const ends: End[] = []
      for (const drawn of [one, other]) ends.push(await play(await setUp(plot), plot, drawn))
      for (const end of ends) check(plot, end)
      if (!hasOneEnd(plot)) return
      const [first, second] = ends.map(({ booked: _, ...end }) => end)
      assert.deepEqual(second, first)
    }),
    { numRuns: 60, seed },
  )
})
