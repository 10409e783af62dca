import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilities as promising } from '../../test/capabilities.ts'
import { readConfig } from '../config.ts'
import type { Capabilities } from './capabilities.ts'
import { decideDue } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
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
