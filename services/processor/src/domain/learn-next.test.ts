import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilities as promising } from '../../test/capabilities.ts'
import { readConfig } from '../config.ts'
import type { Capabilities } from './capabilities.ts'
import { admissionAt, decideDue } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import type { SendOutcome } from './outcome.ts'
import { itsIdOf, newOperation, type PspOperation } from './psp-operation.ts'

const { policy } = readConfig({}).psp
const KEY_MS = 60_000
const ACCEPTED: SendOutcome = {
  kind: 'pending',
  response: { status: 'received', gateway_transaction_id: 'AB1' },
}

/** Sends a new operation at the PSP and applies the outcome of its first attempt. */
function after(outcome: SendOutcome, queryBy: Capabilities['queryBy']) {
  const capabilities = { ...promising, queryBy, keyLifetimeMs: KEY_MS, notFoundProves: false }
  const at = (now: number) => ({ now, jitter: 0, policy, psp: 'main', capabilities })
  const sent = decideDue(newOperation(0), 'send', at(0)).operation
  const { operation, emission } = decideOutcome(sent, { attempt: 1, outcome }, at(100))
  const due = (state: PspOperation, now = state.dueAt ?? 0) => decideDue(state, 'send', at(now))
  return { operation, emission, due }
}

test('what was accepted is asked about by the id of the PSP, which later answers keep', () => {
  const { operation, due } = after(ACCEPTED, 'its_id')
  assert.deepEqual([operation.status, operation.step], ['PENDING', 'query'])
  assert.equal(itsIdOf(operation), 'AB1')
  assert.deepEqual(due(operation).call, { kind: 'query', query: 1 })
})

test('without its id, the same request asks the same while the key lives, and no longer', () => {
  for (const queryBy of ['its_id', 'none'] as const) {
    const { operation, emission, due } = after({ kind: 'ambiguous' }, queryBy)
    assert.deepEqual([operation.status, operation.step], ['IN_DOUBT', 'send'])
    assert.equal(emission?.kind, 'in_doubt')
    // Not before the first request can no longer arrive.
    assert.equal(operation.dueAt, operation.attemptDeadlineAt)
    assert.deepEqual(due(operation).call, { kind: 'send', attempt: 2 })
    const late = due(operation, KEY_MS)
    assert.deepEqual([late.call, late.operation.status], [null, 'IN_DOUBT'])
    const waiting = due(late.operation)
    assert.deepEqual([waiting.call, waiting.operation.step], [null, 'query'])
    assert.equal(waiting.operation.dueAt, (late.operation.dueAt ?? 0) + policy.queryMaxMs)
  }
})

test('a PSP that cannot be asked is asked for what it accepted by the same request', () => {
  const { operation, due } = after(ACCEPTED, 'none')
  assert.deepEqual([operation.status, operation.step], ['PENDING', 'send'])
  assert.deepEqual(due(operation).call, { kind: 'send', attempt: 2 })
})

test('answers that accepted nothing do not fail what cannot be asked about', () => {
  const failed = { status: 'failed' }
  const unavailable = { kind: 'unavailable', response: failed, retryAfterMs: null } as const
  const { operation, due } = after(unavailable, 'its_id')
  let state = operation
  for (let retry = 0; retry < policy.maxRetries; retry += 1) {
    const { operation: sent, call } = due(state)
    assert.ok(call?.kind === 'send')
    const capabilities = { ...promising, queryBy: 'its_id', notFoundProves: false } as const
    const context = { now: sent.dueAt ?? 0, jitter: 0, policy, capabilities }
    state = decideOutcome(sent, { attempt: call.attempt, outcome: unavailable }, context).operation
  }
  assert.deepEqual([state.status, state.step], ['IN_DOUBT', 'send'])
})

test('answers that provably accepted nothing make no doubt where the PSP promises that', () => {
  const refusals = ['unavailable', 'rate_limited', 'misconfigured'] as const
  const capabilities: Capabilities = {
    ...promising,
    refusals,
    queryBy: 'its_id',
    keyLifetimeMs: KEY_MS,
    notFoundProves: false,
  }
  const play = (outcomes: readonly SendOutcome[]): PspOperation => {
    let state = newOperation(0)
    for (const outcome of outcomes) {
      const context = { now: state.dueAt ?? 0, jitter: 0, policy, psp: 'main', capabilities }
      const { operation, call } = decideDue(state, 'send', context)
      assert.ok(call?.kind === 'send')
      state = decideOutcome(operation, { attempt: call.attempt, outcome }, context).operation
    }
    return state
  }
  const limited = { kind: 'rate_limited', response: null, retryAfterMs: null } as const
  const response = { status: 'failed' }
  const unavailable = { kind: 'unavailable', response, retryAfterMs: null } as const
  const refused = { kind: 'misconfigured' } as const
  const failed = play([refused, limited, unavailable, limited, unavailable])
  assert.deepEqual([failed.status, failed.reason], ['FAILED', 'gateway_unavailable'])
  // A day of wrong credentials is no doubt either: nothing was ever accepted under the key.
  const days = play(Array.from({ length: 10 }, () => refused))
  assert.deepEqual([days.status, days.step, days.mayHaveLeft], ['PENDING', 'send', false])
  const doubtful = play([{ kind: 'ambiguous' }, limited, refused])
  assert.deepEqual([doubtful.status, doubtful.step], ['IN_DOUBT', 'send'])
})

test('a person is needed, once, when neither a query nor a repeat can end the doubt', () => {
  for (const queryBy of ['its_id', 'none'] as const) {
    const { operation, due } = after({ kind: 'ambiguous' }, queryBy)
    const stuck = due(due(operation, KEY_MS).operation)
    assert.ok(stuck.emission?.kind === 'contradicted')
    assert.equal(stuck.emission.contradiction, 'outcome_unknown')
    assert.deepEqual([stuck.operation.status, stuck.operation.step], ['IN_DOUBT', 'query'])
    const again = due(stuck.operation)
    assert.deepEqual([again.emission, again.call], [null, null])
  }
  // It can be asked about, but the PSP does not know it, and a repeat would be a new operation.
  const capabilities = { ...promising, keyLifetimeMs: KEY_MS, notFoundProves: false }
  const context = { now: KEY_MS, jitter: 0, policy, capabilities }
  const { operation: doubtful, due: dueOf } = after({ kind: 'ambiguous' }, 'our_id')
  const { operation: queried } = dueOf(doubtful)
  const found = { query: 1, answer: { kind: 'not_found' } } as const
  const stuck = decideStatus(queried, found, context)
  assert.equal(stuck.emission?.kind, 'contradicted')
  assert.deepEqual([stuck.operation.status, stuck.operation.step], ['IN_DOUBT', 'query'])
})

test('a disabled PSP gets only those repeats that stand in for status queries', () => {
  const facts = { kind: 'pay' } as const
  const at = (queryBy: Capabilities['queryBy'], state: PspOperation) => {
    const taking = { state: 'disabled', capabilities: { ...promising, queryBy } } as const
    return admissionAt(taking, facts, state, 'send')
  }
  const { operation } = after({ kind: 'ambiguous' }, 'its_id')
  assert.equal(at('its_id', operation), 'send')
  assert.equal(at('none', operation), 'send')
  assert.equal(at('our_id', operation), 'paused')
  assert.equal(at('its_id', newOperation(0)), 'not_taken')
})
