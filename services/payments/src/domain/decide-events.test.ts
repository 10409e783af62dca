import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import * as fc from 'fast-check'
import {
  decideEach,
  ENDS,
  eventsOf,
  finalizedIn,
  pendingPayment,
  plots,
  STORY_TIME,
} from '../../test/stories.ts'
import type { PaymentEvent } from './evolve.ts'
import type { Payment } from './payment.ts'

const LATER = new Date('2026-03-01T12:00:05.000Z')

function decide(payments: Iterable<Payment>, events: readonly PaymentEvent[]) {
  const decision = decideEach(payments, events, LATER)
  return { ...decision, finalized: finalizedIn(decision) }
}

type Events = ReturnType<typeof eventsOf>

/** Given a payment with these events behind it, what do further ones do? */
function given(...past: (keyof Events)[]) {
  const start = pendingPayment()
  const eventsFor = (names: (keyof Events)[]) => names.map((name) => eventsOf(start)[name]())
  const payment = decide([start], eventsFor(past)).changed[0]?.after ?? start
  return {
    when(...names: (keyof Events)[]) {
      const { changed, finalized, contradictions } = decide([payment], eventsFor(names))
      const after = changed[0]?.after ?? payment
      return {
        status: after.status,
        reason: after.reason,
        finalized: finalized.map(({ event }) => `${event.status} ${event.reason}`),
        contradictions,
        after,
        event: finalized[0]?.event,
      }
    },
  }
}

function outcome(result: ReturnType<ReturnType<typeof given>['when']>): string {
  const { status, reason, finalized, contradictions } = result
  const doubts = contradictions.length > 0 ? ` contradictions ${contradictions.join()}` : ''
  return `${status} ${reason} [${finalized.join()}]${doubts}`
}

test('reserved funds move a payment to RESERVED', () => {
  const result = given().when('reserved')
  assert.equal(outcome(result), 'RESERVED null []')
  assert.equal(result.after.reservedAt, LATER)
  assert.equal(result.after.updatedAt, LATER)
})

test('an unknown outcome moves a payment to IN_DOUBT', () => {
  assert.equal(outcome(given('reserved').when('inDoubt')), 'IN_DOUBT null []')
})

test('an approval by the PSP is final, and payment.finalized carries it (rule 2)', () => {
  for (const past of [[], ['reserved'], ['reserved', 'inDoubt']] as const) {
    const result = given(...past).when('completed')
    assert.equal(outcome(result), 'COMPLETED null [COMPLETED null]')
    assert.equal(result.after.finalizedAt, LATER)
    assert.deepEqual(readEvent(serializeEvent(result.event!)), result.event)
  }
})

test('a refusal of the wallet fails the payment at once: nothing was held', () => {
  const result = given().when('insufficient')
  assert.equal(outcome(result), 'FAILED insufficient_funds [FAILED insufficient_funds]')
})

test('a failure is stored but not shown before the hold is released (rule 2)', () => {
  const result = given('reserved').when('failed')
  assert.equal(outcome(result), 'RESERVED gateway_declined []')
  assert.equal(result.after.updatedAt, result.after.reservedAt)
  assert.equal(result.after.pspAnswer?.status, 'failed')
  assert.equal(result.after.finalizedAt, null)
})

test('the release of the hold ends a payment that failed', () => {
  const result = given('reserved', 'failed').when('released')
  assert.equal(outcome(result), 'FAILED gateway_declined [FAILED gateway_declined]')
})

test('a canceled payment fails for that reason once its hold is released', () => {
  const stored = given('reserved').when('canceled')
  assert.equal(outcome(stored), 'RESERVED canceled []')
  const released = given('reserved', 'canceled').when('released')
  assert.equal(outcome(released), 'FAILED canceled [FAILED canceled]')
  const completed = given('completed').when('canceled')
  assert.equal(outcome(completed), 'COMPLETED null [] contradictions 0')
})

test('a completed payment knows the PSP that was paid', () => {
  const payment = pendingPayment()
  const event = { ...eventsOf(payment).completed(), psp: 'asyncbank' }
  assert.equal(decide([payment], [event]).changed[0]?.after.psp, 'asyncbank')
  assert.equal(given('reserved').when('completed').after.psp, 'main')
})

test('a release that arrives before the verdict ends the payment, and the verdict adds its response', () => {
  const early = given('reserved').when('released')
  assert.equal(outcome(early), 'FAILED gateway_declined [FAILED gateway_declined]')
  const late = given('reserved', 'released').when('failed')
  assert.equal(outcome(late), 'FAILED gateway_declined []')
  assert.equal(late.after.pspAnswer?.status, 'failed')
  assert.equal(late.after.finalizedAt, LATER)
})

test('a late event of an earlier step changes nothing', () => {
  assert.equal(outcome(given('completed').when('reserved', 'inDoubt')), 'COMPLETED null []')
  assert.equal(outcome(given('inDoubt').when('reserved')), 'IN_DOUBT null []')
  const failed = given('reserved', 'failed', 'released').when('reserved', 'inDoubt')
  assert.equal(outcome(failed), 'FAILED gateway_declined []')
})

test('an event that contradicts a verdict changes nothing and is reported', () => {
  const completed = given('completed')
  for (const event of ['failed', 'released', 'insufficient'] as const) {
    assert.equal(outcome(completed.when(event)), 'COMPLETED null [] contradictions 0')
  }
  const refused = given('insufficient')
  for (const event of ['reserved', 'inDoubt', 'completed', 'failed', 'released'] as const) {
    assert.equal(outcome(refused.when(event)), 'FAILED insufficient_funds [] contradictions 0')
  }
  const failed = given('reserved', 'failed')
  assert.equal(outcome(failed.when('completed')), 'RESERVED gateway_declined [] contradictions 0')
  const held = given('reserved')
  assert.equal(outcome(held.when('insufficient')), 'RESERVED null [] contradictions 0')
})

test('a batch is folded: several events of one payment make one change and one finalized', () => {
  const payment = pendingPayment()
  const it = eventsOf(payment)
  const { changed, finalized } = decide(
    [payment],
    [it.reserved(), it.inDoubt(), it.completed(), it.completed()],
  )
  assert.equal(changed.length, 1)
  assert.equal(changed[0]?.before, payment)
  assert.equal(changed[0]?.after.status, 'COMPLETED')
  assert.deepEqual(
    finalized.map(({ index }) => index),
    [2],
  )
})

/** Plays the batches one after the other, as the database would. */
function play(payments: Iterable<Payment>, batches: readonly PaymentEvent[][]) {
  const state = new Map([...payments].map((payment) => [payment.paymentId, payment]))
  const finalized: string[] = []
  for (const batch of batches) {
    const decision = decide(state.values(), batch)
    assert.deepEqual(decision.contradictions, [])
    for (const { after } of decision.changed) state.set(after.paymentId, after)
    finalized.push(...decision.finalized.map(({ event }) => `${event.payment_id} ${event.status}`))
  }
  return { state, finalized: finalized.toSorted() }
}

test('events in any order, batches and repetition give the same end, finalized once (F4)', () => {
  fc.assert(
    fc.property(plots(), ({ stories, batches }) => {
      const { state, finalized } = play(stories.keys(), batches)
      const expected: string[] = []
      for (const [{ paymentId }, story] of stories) {
        assert.equal(state.get(paymentId)?.status, ENDS[story])
        if (ENDS[story] === 'COMPLETED' || ENDS[story] === 'FAILED') {
          expected.push(`${paymentId} ${ENDS[story]}`)
        }
      }
      assert.deepEqual(finalized, expected.toSorted())
      assert.deepEqual(play(stories.keys(), [batches.flat()]).finalized, finalized)
    }),
  )
})

test('a replay of all events changes nothing', () => {
  fc.assert(
    fc.property(plots(), ({ stories, batches }) => {
      const { state } = play(stories.keys(), batches)
      const { changed, finalized } = decide(state.values(), batches.flat())
      assert.deepEqual(changed, [])
      assert.deepEqual(finalized, [])
    }),
  )
})

test('a payment never returns to an earlier state', () => {
  const ranks = { PENDING: 0, RESERVED: 1, IN_DOUBT: 2, COMPLETED: 3, FAILED: 3 }
  fc.assert(
    fc.property(plots(), ({ stories, batches }) => {
      let payments = [...stories.keys()]
      for (const event of batches.flat()) {
        const { changed } = decide(payments, [event])
        for (const { before, after } of changed) {
          assert(ranks[after.status] >= ranks[before.status])
          assert(before.finalizedAt === null || after.status === before.status)
        }
        const moved = new Map(changed.map(({ after }) => [after.paymentId, after]))
        payments = payments.map((payment) => moved.get(payment.paymentId) ?? payment)
      }
      assert(payments.every((payment) => payment.createdAt === STORY_TIME))
    }),
  )
})
