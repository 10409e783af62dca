import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilities } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import type { CallbackFact } from './callback-fact.ts'
import { type CallbackContext, decideCallback } from './decide-callback.ts'
import { newOperation, type PspOperation } from './psp-operation.ts'

const NOW = 1_000
const TERMS = { amountMinor: 1_000n, currency: 'USD' }
const APPROVED = { status: 'approved', gateway_transaction_id: 't-1' }
const verdict: CallbackContext = {
  now: NOW,
  jitter: 0,
  policy,
  capabilities,
  psp: 'main',
  declineCode: 'other',
  isAskedInVain: false,
}
const hint: CallbackContext = {
  ...verdict,
  capabilities: { ...capabilities, callbackTrust: 'hint' },
}

const sent: PspOperation = {
  ...newOperation(0),
  psp: 'main',
  step: 'await',
  attempt: 1,
  dueAt: 9_000,
}
const over = { step: null, dueAt: null } as const
const completed: PspOperation = {
  ...sent,
  ...over,
  status: 'COMPLETED',
  lastResponse: APPROVED,
}
const failed: PspOperation = { ...sent, ...over, status: 'FAILED', reason: 'gateway_declined' }
const canceled: PspOperation = { ...newOperation(0), ...over, status: 'FAILED', reason: 'canceled' }

function fact(state: CallbackFact['state'], given: Partial<CallbackFact> = {}): CallbackFact {
  const ids = { ourId: null, itsId: 't-1', paymentId: null, paymentItsId: null }
  return { key: 'k', kind: 'pay', ...ids, state, ...TERMS, reasonCode: null, ...given }
}

const kindsOf = ({ emissions }: ReturnType<typeof decideCallback>) =>
  emissions.map(({ kind }) => kind)

test('a hint about an operation that has not ended makes its status query due now', () => {
  for (const state of ['approved', 'failed'] as const) {
    const decided = decideCallback(sent, TERMS, fact(state), hint)
    const { step, dueAt, unproven, status } = decided.operation
    assert.deepEqual([step, dueAt, unproven, status], ['query', NOW, true, 'PENDING'])
    assert.deepEqual([decided.result, kindsOf(decided)], ['APPLIED', []])
  }
  const withoutId = decideCallback(sent, TERMS, fact('approved', { itsId: null }), verdict)
  assert.equal(withoutId.operation.step, 'query')
})

test('rule 9: a failure that a callback states is confirmed by a query before it ends anything', () => {
  const asked = decideCallback(sent, TERMS, fact('failed'), verdict)
  assert.deepEqual([asked.operation.status, asked.operation.step], ['PENDING', 'query'])
  assert.deepEqual([asked.result, kindsOf(asked)], ['APPLIED', []])
  const cannotAsk = { ...verdict, capabilities: { ...capabilities, queryBy: 'none' } } as const
  const ended = decideCallback(sent, TERMS, fact('failed'), cannotAsk)
  assert.deepEqual([ended.operation.status, kindsOf(ended)], ['FAILED', ['failed']])
  const inVain = decideCallback(sent, TERMS, fact('failed'), { ...verdict, isAskedInVain: true })
  assert.deepEqual([inVain.operation.status, kindsOf(inVain)], ['FAILED', ['failed']])
})

test('a hint that what failed has succeeded is asked about, by its own id too', () => {
  const byItsId = { ...hint, capabilities: { ...hint.capabilities, queryBy: 'its_id' } } as const
  for (const context of [hint, byItsId]) {
    const decided = decideCallback(failed, TERMS, fact('approved'), context)
    assert.deepEqual([kindsOf(decided), decided.query], [[], 1])
    assert.deepEqual(decided.operation, { ...failed, queries: 1 })
  }
  const unnamed = decideCallback(failed, TERMS, fact('approved', { itsId: null }), byItsId)
  assert.deepEqual([kindsOf(unnamed), unnamed.query], [['contradicted'], null])
})

test('a hint never moves what has ended: it repeats it or opens a case', () => {
  const inVain = { ...hint, isAskedInVain: true }
  const rows = [
    [completed, 'approved', []],
    [completed, 'failed', ['contradicted']],
    [failed, 'failed', []],
    [failed, 'approved', ['contradicted']],
  ] as const
  for (const [state, reported, emitted] of rows) {
    const decided = decideCallback(state, TERMS, fact(reported), inVain)
    assert.deepEqual(kindsOf(decided), emitted)
    assert.deepEqual(decided.operation, state)
  }
})

test('a verdict about an operation that was not sent is never applied', () => {
  const unsent = newOperation(0)
  const approved = decideCallback(unsent, TERMS, fact('approved'), verdict)
  assert.deepEqual([approved.result, kindsOf(approved)], ['CONTRADICTION', ['contradicted']])
  assert.deepEqual(approved.operation, unsent)
  const declined = decideCallback(unsent, TERMS, fact('failed'), verdict)
  assert.deepEqual([declined.result, declined.cause], ['PARKED', 'never_sent'])
})

test('the success of an operation that was canceled is late truth at the PSP that reported it', () => {
  const decided = decideCallback(canceled, TERMS, fact('approved'), { ...verdict, psp: 'other' })
  assert.deepEqual(kindsOf(decided), ['late_success'])
  assert.deepEqual([decided.operation.psp, decided.operation.lateId], ['other', 't-1'])
})

test('a reversal proves the success before it and is emitted once', () => {
  const first = decideCallback(sent, TERMS, fact('reversed'), verdict)
  assert.deepEqual(kindsOf(first), ['completed', 'reversed'])
  const again = decideCallback(first.operation, TERMS, fact('reversed'), verdict)
  assert.deepEqual([again.result, kindsOf(again)], ['NO_CHANGE', []])
  const late = decideCallback(failed, TERMS, fact('reversed'), verdict)
  assert.deepEqual(kindsOf(late), ['late_success', 'reversed'])
  const other = decideCallback(completed, TERMS, fact('reversed', { itsId: 't-2' }), verdict)
  assert.equal(other.result, 'CONTRADICTION')
  assert.equal(other.operation.reversed, false)
})

test('a reversal is applied even where callbacks are hints', () => {
  const early = decideCallback(sent, TERMS, fact('reversed'), hint)
  assert.deepEqual(kindsOf(early), ['completed', 'reversed'])
  const known = decideCallback(completed, TERMS, fact('reversed'), hint)
  assert.deepEqual(kindsOf(known), ['reversed'])
})

test('a second transaction of a completed operation opens a case', () => {
  const decided = decideCallback(completed, TERMS, fact('approved', { itsId: 't-2' }), verdict)
  assert.deepEqual([decided.result, decided.cause], ['CONTRADICTION', 'operation_unknown'])
  assert.deepEqual(decided.operation, completed)
})

test('pending makes an operation that would be sent again ask instead', () => {
  const retrying: PspOperation = { ...sent, step: 'send', mayHaveLeft: true }
  const decided = decideCallback(retrying, TERMS, fact('pending'), verdict)
  assert.deepEqual([decided.operation.step, decided.result], ['query', 'APPLIED'])
  assert.equal(decideCallback(sent, TERMS, fact('pending'), verdict).result, 'NO_CHANGE')
})

test('a callback names an operation for the PSP that is asked by its own id only', () => {
  const byItsId = { ...capabilities, queryBy: 'its_id', callbackTrust: 'hint' } as const
  const context: CallbackContext = { ...verdict, capabilities: byItsId }
  const doubtful: PspOperation = { ...sent, status: 'IN_DOUBT', step: 'send', mayHaveLeft: true }
  for (const state of ['pending', 'approved'] as const) {
    const { operation, result } = decideCallback(doubtful, TERMS, fact(state), context)
    assert.deepEqual([result, operation.step, operation.dueAt], ['APPLIED', 'query', NOW])
    assert.equal(operation.lastResponse?.gateway_transaction_id, 't-1')
    const again = decideCallback(operation, TERMS, fact(state), context)
    assert.deepEqual(again.operation, operation)
  }
  for (const [state, step] of [
    ['pending', 'await'],
    ['approved', 'query'],
    ['failed', 'query'],
  ] as const) {
    const awaited = decideCallback(sent, TERMS, fact(state), context)
    assert.deepEqual([awaited.result, awaited.operation.step], ['APPLIED', step])
  }
})
