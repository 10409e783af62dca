import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilities } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import { decideDue } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { newOperation } from './psp-operation.ts'

const context = { now: 0, jitter: 0.5, policy, capabilities }
const later = { ...context, now: 10_000 }
const response = { status: 'approved', gateway_transaction_id: 'g-1' }
const approved = { kind: 'approved', response } as const

function sentTo(psp: string) {
  return decideDue(newOperation(0), 'send', { ...context, psp }).operation
}

test('the first attempt chooses the PSP of an operation, and its completion names it', () => {
  assert.equal(newOperation(0).psp, null)
  const waiting = decideDue(newOperation(0), 'wait', { ...context, psp: 'other' }).operation
  assert.equal(waiting.psp, null)
  const sent = sentTo('other')
  assert.equal(sent.psp, 'other')
  const { emission } = decideOutcome(sent, { attempt: 1, outcome: approved }, context)
  assert(emission?.kind === 'completed')
  assert.equal(emission.psp, 'other')
})

test('an operation that was sent to another PSP is neither sent nor asked about at this one', () => {
  const outcome = {
    kind: 'unavailable',
    response: { status: 'failed' },
    retryAfterMs: null,
  } as const
  const retried = decideOutcome(sentTo('other'), { attempt: 1, outcome }, context).operation
  assert.equal(retried.step, 'send')
  const doubted = decideOutcome(
    sentTo('other'),
    { attempt: 1, outcome: { kind: 'ambiguous' } },
    context,
  ).operation
  assert.equal(doubted.step, 'query')
  for (const operation of [retried, doubted]) {
    const here = decideDue(operation, 'send', { ...later, psp: 'main' })
    assert.equal(here.call, null)
    assert.equal(here.emission, null)
    assert.deepEqual(here.operation, { ...operation, dueAt: 40_000 })
    const there = decideDue(operation, 'send', { ...later, psp: 'other' })
    assert.equal(there.call?.kind, operation.step)
    assert.equal(there.operation.psp, 'other')
  }
})
