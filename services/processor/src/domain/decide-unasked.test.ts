import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallbackFact } from './callback-fact.ts'
import { decideUnasked } from './decide-unasked.ts'
import { newOperation, type PspOperation } from './psp-operation.ts'

const NOW = 1_000
const TERMS = { amountMinor: 1_000n, currency: 'USD' }
const sent: PspOperation = { ...newOperation(0), psp: 'main', step: 'await', attempt: 1 }
const completed: PspOperation = { ...sent, status: 'COMPLETED', step: null, dueAt: null }

function returned(given: Partial<CallbackFact> = {}): CallbackFact {
  return {
    key: 'k',
    kind: 'return',
    ourId: null,
    itsId: 'r-1',
    paymentId: null,
    paymentItsId: 't-1',
    state: 'returned',
    ...TERMS,
    reasonCode: 'AC06',
    ...given,
  }
}

const decide = (payment: PspOperation, fact: CallbackFact) => {
  const result = decideUnasked(payment, TERMS, fact, { now: NOW })
  return result.kind === 'unreadable' ? result.cause : result.decision
}

test('a return proves that the money had left: a payment without an outcome is asked about', () => {
  const asked = decide(sent, returned())
  assert.ok(typeof asked !== 'string')
  assert.deepEqual([asked.operation.step, asked.operation.dueAt], ['query', NOW])
  const known = decide(completed, returned())
  assert.ok(typeof known !== 'string')
  assert.deepEqual([known.operation, known.emission?.kind], [completed, 'returned'])
})

test('a return without an id of the PSP is parked: its second report would be a second return', () => {
  assert.equal(decide(completed, returned({ itsId: null })), 'no_transaction_id')
  assert.equal(decide(completed, returned({ amountMinor: null })), 'no_amount')
})

test('a return of a payment that was never sent opens a case and blocks nothing', () => {
  const over = { status: 'FAILED', step: null, dueAt: null, reason: 'canceled' } as const
  for (const payment of [newOperation(0), { ...newOperation(0), ...over }]) {
    const decision = decide(payment, returned())
    assert.ok(typeof decision !== 'string')
    assert.equal(decision.emission?.kind, 'contradicted', payment.status)
  }
})

test('a dispute proves that the money had left, and is emitted with its outcome', () => {
  const disputed = (state: CallbackFact['state']) => returned({ kind: 'dispute', state })
  const asked = decide(sent, disputed('lost'))
  assert.ok(typeof asked !== 'string')
  assert.equal(asked.operation.step, 'query')
  const outcomes = (['opened', 'won', 'lost'] as const).map((state) => {
    const known = decide(completed, disputed(state))
    assert.ok(typeof known !== 'string' && known.emission?.kind === 'disputed')
    return known.emission.outcome
  })
  assert.deepEqual(outcomes, [null, 'won', 'lost'])
})

test('what is no state of a return or a dispute is parked', () => {
  assert.equal(decide(completed, returned({ state: 'unknown' })), 'unknown')
  assert.equal(decide(completed, returned({ kind: 'dispute', state: 'unknown' })), 'unknown')
})

test('charges that are larger than what was returned, or negative, are a case and no return', () => {
  for (const chargesMinor of [1_001n, -1n]) {
    const decision = decide(completed, returned({ chargesMinor }))
    assert.ok(typeof decision !== 'string' && decision.emission?.kind === 'contradicted')
    assert.equal(decision.emission.contradiction, 'amount_mismatch')
    assert.equal(decision.emission.amountMinor, 1_000n)
    assert.deepEqual(decision.operation, completed)
  }
  const all = decide(completed, returned({ chargesMinor: 1_000n }))
  assert.ok(typeof all !== 'string')
  assert.equal(all.emission?.kind, 'returned')
})
