import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideDue } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { newPayment } from './psp-payment.ts'
import type { RetryPolicy } from './retry-policy.ts'

const policy: RetryPolicy = {
  timeoutMs: 5_000,
  graceMs: 500,
  maxRetries: 3,
  retryBaseMs: 250,
  retryMaxMs: 5_000,
  retryAfterMaxMs: 60_000,
  firstQueryMs: 1_000,
  queryMaxMs: 60_000,
  misconfiguredMs: 30_000,
  waitMs: 250,
  circuitWaitMs: 15_000,
}
const context = { now: 0, jitter: 0.5, policy }
const later = { ...context, now: 10_000 }
const response = { status: 'approved', gateway_transaction_id: 'g-1' }
const approved = { kind: 'approved', response } as const

function sentTo(psp: string) {
  return decideDue(newPayment(0), 'send', { ...context, psp }).payment
}

test('the first attempt chooses the PSP of a payment, and its completion names it', () => {
  assert.equal(newPayment(0).psp, null)
  const waiting = decideDue(newPayment(0), 'wait', { ...context, psp: 'other' }).payment
  assert.equal(waiting.psp, null)
  const sent = sentTo('other')
  assert.equal(sent.psp, 'other')
  const { emission } = decideOutcome(sent, { attempt: 1, outcome: approved }, context)
  assert(emission?.kind === 'completed')
  assert.equal(emission.psp, 'other')
})

test('a payment that was sent to another PSP is neither sent nor asked about at this one', () => {
  const outcome = {
    kind: 'unavailable',
    response: { status: 'failed' },
    retryAfterMs: null,
  } as const
  const retried = decideOutcome(sentTo('other'), { attempt: 1, outcome }, context).payment
  assert.equal(retried.step, 'send')
  const doubted = decideOutcome(
    sentTo('other'),
    { attempt: 1, outcome: { kind: 'ambiguous' } },
    context,
  ).payment
  assert.equal(doubted.step, 'query')
  for (const payment of [retried, doubted]) {
    const here = decideDue(payment, 'send', { ...later, psp: 'main' })
    assert.equal(here.call, null)
    assert.equal(here.emission, null)
    assert.deepEqual(here.payment, { ...payment, dueAt: 40_000 })
    const there = decideDue(payment, 'send', { ...later, psp: 'other' })
    assert.equal(there.call?.kind, payment.step)
    assert.equal(there.payment.psp, 'other')
  }
})
