import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { capabilities } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import type { CallbackFact } from './callback-fact.ts'
import { decideCallback } from './decide-callback.ts'
import { newOperation, type PspOperation } from './psp-operation.ts'
import { repeatsApproval } from './repeats-approval.ts'

const PSP = 'main'
const TERMS = { amountMinor: 1_000n, currency: 'USD' }
const PAYMENT = { psp: PSP, tenantId: 'caudal', transactionId: 't-1', ...TERMS }
const completed: PspOperation = {
  ...newOperation(0),
  psp: PSP,
  status: 'COMPLETED',
  step: null,
  dueAt: null,
  attempt: 1,
  mayHaveLeft: true,
  lastResponse: { status: 'approved', gateway_transaction_id: 't-1' },
}
const repeat: CallbackFact = {
  key: 'k',
  kind: 'pay',
  ourId: null,
  itsId: 't-1',
  paymentId: null,
  paymentItsId: null,
  state: 'approved',
  ...TERMS,
  reasonCode: null,
}

const facts: fc.Arbitrary<CallbackFact> = fc.record({
  ...Object.fromEntries(Object.entries(repeat).map(([name, value]) => [name, fc.constant(value)])),
  kind: fc.constantFrom('pay', 'refund', 'void', 'return'),
  itsId: fc.constantFrom('t-1', 't-1', 't-2', null),
  state: fc.constantFrom('approved', 'approved', 'failed', 'pending', 'reversed', 'returned'),
  amountMinor: fc.constantFrom(1_000n, 999n, null),
  currency: fc.constantFrom('USD', 'EUR', null),
}) as fc.Arbitrary<CallbackFact>

test('a fact that repeats an approval changes nothing, also after the money was taken back', () => {
  let repeats = 0
  fc.assert(
    fc.property(
      facts,
      fc.constantFrom('verdict', 'hint'),
      fc.boolean(),
      fc.nat({ max: 20 }),
      (fact, callbackTrust, reversed, tries) => {
        if (!repeatsApproval(PSP, fact, PAYMENT)) return
        repeats += 1
        const operation = { ...completed, reversed, queries: tries }
        const decided = decideCallback(operation, TERMS, fact, {
          now: 1_000,
          jitter: 0,
          policy,
          capabilities: { ...capabilities, callbackTrust },
          psp: PSP,
          declineCode: 'other',
          isAskedInVain: tries > 10,
        })
        const emissions: typeof decided.emissions = []
        assert.deepEqual(decided, {
          operation,
          emissions,
          result: 'NO_CHANGE',
          cause: null,
          query: null,
        })
        assert.equal(decided.operation, operation)
      },
    ),
    { numRuns: 2_000 },
  )
  assert.ok(repeats > 20, `${repeats} repeats`)
})

test('a fact with another transaction, amount, currency, PSP, kind or state is no repeat', () => {
  assert.ok(repeatsApproval(PSP, repeat, PAYMENT))
  assert.ok(repeatsApproval(PSP, { ...repeat, amountMinor: null, currency: null }, PAYMENT))
  const others: Partial<CallbackFact>[] = [
    { itsId: 't-2' },
    { itsId: null },
    { amountMinor: 1_001n },
    { currency: 'EUR' },
    { kind: 'refund' },
    { state: 'reversed' },
    { state: 'failed' },
  ]
  for (const other of others) assert.ok(!repeatsApproval(PSP, { ...repeat, ...other }, PAYMENT))
  assert.ok(!repeatsApproval('other', repeat, PAYMENT))
  const unnamed = { ...PAYMENT, transactionId: null }
  assert.ok(!repeatsApproval(PSP, { ...repeat, itsId: null }, unnamed))
})
