import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import type { RefundFinalized } from '@caudal/contracts/events/refunds.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import * as fc from 'fast-check'
import {
  answerOf,
  REFUND_ENDS,
  REFUND_STORIES,
  refundEventsOf,
  type RefundStory,
  withRefunds,
} from '../../test/refund-stories.ts'
import type { Loaded } from './batch-book.ts'
import { decideEvents } from './decide-events.ts'
import type { RefundEvent } from './evolve-refund.ts'
import { isFinalRefund } from './refund.ts'

const NOW = new Date('2026-03-01T12:00:05.000Z')

/** Rows that change from batch to batch, and everything that was emitted. */
function world({ payment, refunds }: ReturnType<typeof withRefunds>) {
  const loaded = {
    payments: new Map([[payment.paymentId, payment]]),
    refunds: new Map(refunds.map((refund) => [refund.refundId, refund])),
  } satisfies Loaded
  const postings: PostingRequested[] = []
  const finalized: RefundFinalized[] = []
  const cases: string[] = []
  let contradictions = 0
  return {
    postings,
    finalized,
    cases,
    payment: () => loaded.payments.get(payment.paymentId)!,
    refund: (index = 0) => loaded.refunds.get(refunds[index]!.refundId)!,
    sums() {
      const { refundedMinor, pendingMinor, returnedMinor } = this.payment()
      return { refundedMinor, pendingMinor, returnedMinor }
    },
    contradictions: () => contradictions,
    play(...batch: RefundEvent[]): PostingRequested[] {
      const decision = decideEvents(loaded, batch, {
        now: NOW,
        region: 'test',
        mintId: newId,
        returnCharges: 'operator',
      })
      for (const { after } of decision.changed) loaded.payments.set(after.paymentId, after)
      for (const { before, after } of decision.refunds) {
        assert(after.version >= before.version, 'a version never goes back')
        loaded.refunds.set(after.refundId, after)
      }
      const asked: PostingRequested[] = []
      for (const { event } of decision.emitted) {
        assert.deepEqual(readEvent(serializeEvent(event)), event)
        if (event.event_type === 'posting.requested') asked.push(event)
        if (event.event_type === 'refund.finalized') finalized.push(event)
      }
      postings.push(...asked)
      cases.push(...decision.cases.map(({ reason }) => reason))
      contradictions += decision.contradictions.length
      return asked
    },
  }
}

function one(amountMinor = 4_000n) {
  const known = withRefunds(amountMinor)
  return { it: refundEventsOf(known.refunds[0]!), world: world(known) }
}

test('P12: a refund succeeds when the wallet is credited, not when the PSP approves it', () => {
  const { it, world } = one()
  world.play(it.submitted())
  assert.equal(world.refund().status, 'SUBMITTED')
  const [posting] = world.play(it.succeeded())
  assert.equal(world.refund().status, 'SUBMITTED')
  assert.deepEqual(world.finalized, [])
  assert.equal(posting?.kind, 'refund')
  assert.deepEqual(
    [posting?.end, posting?.otherwise, posting?.amount],
    ['wallet', 'suspense', '40.00'],
  )
  world.play(answerOf(posting))
  assert.equal(world.refund().status, 'SUCCEEDED')
  assert.deepEqual(
    world.finalized.map(({ status, version, amount }) => [status, version, amount]),
    [['SUCCEEDED', 3, '40.00']],
  )
  assert.deepEqual(world.sums(), { refundedMinor: 4_000n, pendingMinor: 0n, returnedMinor: 0n })
})

test('a refund in doubt stays in doubt and keeps its share of the payment, whatever is repeated', () => {
  const { it, world } = one()
  world.play(it.submitted(), it.inDoubt())
  world.play(it.submitted(), it.inDoubt())
  assert.equal(world.refund().status, 'IN_DOUBT')
  assert.deepEqual(world.sums(), { refundedMinor: 0n, pendingMinor: 4_000n, returnedMinor: 0n })
})

test('a refund that fails, or is canceled, gives its share of the payment back', () => {
  for (const end of ['failed', 'canceled'] as const) {
    const { it, world } = one()
    world.play(it[end]())
    assert.deepEqual(world.sums(), { refundedMinor: 0n, pendingMinor: 0n, returnedMinor: 0n })
    const { status, failure_reason: reason, version } = world.finalized[0]!
    assert.deepEqual(
      [status, reason, version],
      end === 'failed' ? ['FAILED', 'gateway_declined', 2] : ['CANCELED', null, 2],
    )
  }
})

test('REVERSED after the user spent it: a receivable and a case, refundable again once', () => {
  const { it, world } = one()
  const [credit] = world.play(it.submitted(), it.succeeded())
  world.play(answerOf(credit!))
  const [recapture] = world.play(it.reversed())
  assert.deepEqual(
    [recapture?.kind, recapture?.end, recapture?.otherwise],
    ['recapture', 'wallet', 'receivable'],
  )
  assert.equal(world.refund().status, 'SUCCEEDED')
  assert.equal(world.sums().refundedMinor, 4_000n)
  world.play(answerOf(recapture!, 'receivable'), answerOf(recapture!, 'receivable'))
  assert.equal(world.refund().status, 'REVERSED')
  assert.deepEqual(world.sums(), { refundedMinor: 0n, pendingMinor: 0n, returnedMinor: 0n })
  assert.deepEqual(world.cases, ['receivable'])
  assert.deepEqual(
    world.finalized.map(({ status }) => status),
    ['SUCCEEDED', 'REVERSED'],
  )
})

test('a reversal before the credit waits for it: the money is taken from where it went', () => {
  const { it, world } = one()
  const [credit, ...early] = world.play(it.succeeded(), it.reversed())
  assert.deepEqual(early, [])
  const [recapture] = world.play(answerOf(credit!, 'suspense'))
  assert.deepEqual([recapture?.kind, recapture?.end], ['recapture', 'suspense'])
  world.play(answerOf(recapture!))
  assert.equal(world.refund().status, 'REVERSED')
  assert.deepEqual(world.cases, ['wallet_not_creditable'])
})

test('a refund to a closed or frozen wallet ends in suspense and opens a case', () => {
  const { it, world } = one()
  const [credit] = world.play(it.succeeded())
  world.play(answerOf(credit!, 'suspense'))
  assert.equal(world.refund().status, 'SUCCEEDED')
  assert.deepEqual(world.cases, ['wallet_not_creditable'])
})

test('a result that contradicts a verdict changes nothing and is reported', () => {
  const courses = [
    ['failed', ['succeeded', 'canceled']],
    ['canceled', ['submitted', 'inDoubt', 'succeeded', 'failed']],
    ['succeeded', ['failed', 'canceled']],
    ['submitted', ['canceled']],
  ] as const
  for (const [verdict, others] of courses) {
    const { it, world } = one()
    world.play(it[verdict]())
    const known = world.refund()
    for (const [index, other] of others.entries()) {
      world.play(it[other]())
      assert.deepEqual(world.refund(), known, `${other} after ${verdict}`)
      assert.equal(world.contradictions(), index + 1)
    }
  }
})

test('the reversal of a refused refund is stored: it moves money only if the refund was paid', () => {
  for (const verdict of ['failed', 'canceled'] as const) {
    const { it, world } = one()
    world.play(it[verdict]())
    const { status, version } = world.refund()
    assert.deepEqual(world.play(it.reversed(), it.reversed()), [])
    assert.deepEqual([world.refund().status, world.refund().version], [status, version])
    assert.notEqual(world.refund().reversedAt, null)
    assert.deepEqual(world.sums(), { refundedMinor: 0n, pendingMinor: 0n, returnedMinor: 0n })
    assert.equal(world.contradictions(), 0)
  }
})

/** Stories of several refunds of one payment, and numbers to shuffle their events by. */
const plots = fc.record({
  stories: fc.array(fc.constantFrom(...(Object.keys(REFUND_STORIES) as RefundStory[])), {
    minLength: 1,
    maxLength: 5,
  }),
  numbers: fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
})

test('P12, F4, F6: events in any order, batches and repetition: one end, sums within captured, each posting once', () => {
  fc.assert(
    fc.property(plots, ({ stories, numbers }) => {
      const known = withRefunds(...stories.map(() => 2_000n))
      const it = world(known)
      const bag = stories.flatMap((story, index) =>
        REFUND_STORIES[story](refundEventsOf(known.refunds[index]!)),
      )
      const played: RefundEvent[] = []
      let next = 0
      const draw = () => numbers[next++ % numbers.length]!
      while (bag.length > 0) {
        const batch: RefundEvent[] = []
        for (let size = 1 + (draw() % 3); size > 0 && bag.length > 0; size -= 1) {
          const [event] = bag.splice(draw() % bag.length, 1)
          batch.push(event!, ...(draw() % 3 === 0 ? [event!] : []))
        }
        // The ledger answers what was asked for, some time later.
        bag.push(...it.play(...batch).map((posting) => answerOf(posting)))
        played.push(...batch)
        const { refundedMinor, pendingMinor } = it.sums()
        assert(refundedMinor + pendingMinor <= it.payment().amountMinor)
      }
      for (const [index, story] of stories.entries()) {
        assert.equal(it.refund(index).status, REFUND_ENDS[story])
      }
      const ended = (status: string) =>
        BigInt(stories.filter((story) => REFUND_ENDS[story] === status).length)
      assert.equal(it.contradictions(), 0)
      assert.equal(it.sums().refundedMinor, 2_000n * ended('SUCCEEDED'))
      assert.equal(it.sums().pendingMinor, 2_000n * (ended('SUBMITTED') + ended('IN_DOUBT')))
      assert.equal(BigInt(it.postings.length), ended('SUCCEEDED') + 2n * ended('REVERSED'))
      assert.equal(new Set(it.postings.map((one) => one.posting_id)).size, it.postings.length)
      const before = { postings: it.postings.length, finalized: it.finalized.length }
      it.play(...played)
      assert.deepEqual({ postings: it.postings.length, finalized: it.finalized.length }, before)
      for (const [index] of stories.entries()) {
        const refund = it.refund(index)
        const versions = it.finalized
          .filter((one) => one.refund_id === refund.refundId)
          .map(({ version }) => version)
        assert.equal(versions.at(-1) ?? null, isFinalRefund(refund) ? refund.version : null)
      }
    }),
  )
})
