import assert from 'node:assert/strict'
import { test } from 'node:test'
import { voidIdOf } from '@caudal/contracts/ids.ts'
import fc from 'fast-check'
import { capabilities as promising } from '../../test/capabilities.ts'
import { chooseReversal, followUpOf, type PaymentAtPsp } from './choose-reversal.ts'
import type { Emission } from './decision.ts'
import type { ReversalFacts } from './operation-facts.ts'

const VOID_MS = 900_000
const WINDOW_MS = 10_000_000
const capabilities = { ...promising, voidUntilMs: VOID_MS, refundWindowMs: WINDOW_MS }
const REFUND_ID = '0192f0c1-2345-7000-8000-000000000001'

const payment: PaymentAtPsp = {
  tenantId: 'caudal',
  status: 'COMPLETED',
  psp: 'main',
  gatewayTransactionId: 'g-1',
  amountMinor: 1_000n,
  currency: 'USD',
  destinationBank: 'BANK',
  finishedAt: 0,
  reversedMinor: 0n,
}

type Wish = { amountMinor: bigint; laterMs: number; fails: boolean }
const wishes: fc.Arbitrary<Wish[]> = fc.array(
  fc.record({
    amountMinor: fc.oneof(fc.constant(1_000n), fc.bigInt({ min: 1n, max: 1_200n })),
    laterMs: fc.constantFrom(0, 1, VOID_MS - 1, VOID_MS, WINDOW_MS),
    fails: fc.boolean(),
  }),
  { maxLength: 10 },
)

test('refunds never exceed their payment, and only a whole, fresh payment is voided', () => {
  fc.assert(
    fc.property(wishes, (all) => {
      let [reversedMinor, now] = [0n, 0]
      for (const { amountMinor, laterMs, fails } of all) {
        now += laterMs
        const refund = { tenantId: 'caudal', amountMinor, currency: 'USD' }
        const context = { now, psp: 'main', capabilities }
        const choice = chooseReversal({ ...payment, reversedMinor }, refund, context)
        if (choice.kind === 'refused') continue
        const isWhole = reversedMinor === 0n && amountMinor === payment.amountMinor
        assert.equal(choice.kind, isWhole && now < VOID_MS ? 'void' : 'refund')
        assert.ok(now < WINDOW_MS)
        if (!fails) reversedMinor += amountMinor
        assert.ok(reversedMinor <= payment.amountMinor)
      }
    }),
  )
})

test('a refund is refused only for a reason of its payment, its amount or its time', () => {
  const refund = { tenantId: 'caudal', amountMinor: 100n, currency: 'USD' }
  const reasonOf = (changes: Partial<PaymentAtPsp>, now = 0) => {
    const choice = chooseReversal({ ...payment, ...changes }, refund, {
      now,
      psp: 'main',
      capabilities,
    })
    return choice.kind === 'refused' ? choice.reason : choice.kind
  }
  assert.equal(reasonOf({}), 'refund')
  assert.equal(reasonOf({ reversedMinor: 901n }), 'refund_exceeds_payment')
  assert.equal(reasonOf({}, WINDOW_MS), 'refund_window_closed')
  const unfit: Partial<PaymentAtPsp>[] = [
    { status: 'IN_DOUBT' },
    { status: 'FAILED' },
    { status: 'PENDING' },
    { tenantId: 'other' },
    { currency: 'EUR' },
    { gatewayTransactionId: null },
    { psp: 'other' },
  ]
  for (const changes of unfit) assert.equal(reasonOf(changes), 'not_refundable')
})

const facts: ReversalFacts = {
  kind: 'void',
  operationId: voidIdOf(REFUND_ID),
  requestId: REFUND_ID,
  sequence: 1,
  paymentId: REFUND_ID,
  tenantId: 'caudal',
  accountId: REFUND_ID,
  userId: REFUND_ID,
  amountMinor: 1_000n,
  currency: 'USD',
  destinationBank: 'BANK',
  gatewayTransactionId: 'g-1',
  requestedAt: '2026-01-01T00:00:00.000Z',
  traceparent: null,
}

test('only a void that is declined as already settled is followed by a refund, with its own key', () => {
  const declined = (declineCode: 'already_settled' | 'already_reversed'): Emission => ({
    kind: 'failed',
    reason: 'gateway_declined',
    response: { status: 'failed' },
    declineCode,
  })
  const next = followUpOf(facts, declined('already_settled'))
  assert.deepEqual(next, { ...facts, kind: 'refund', operationId: REFUND_ID, sequence: 2 })
  assert.notEqual(next?.operationId, facts.operationId)
  assert.equal(followUpOf(facts, declined('already_reversed')), null)
  assert.equal(next && followUpOf(next, declined('already_settled')), null)
  assert.equal(followUpOf(facts, { kind: 'in_doubt' }), null)
})
