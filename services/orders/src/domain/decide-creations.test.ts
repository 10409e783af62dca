import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideCreations } from './decide-creations.ts'
import { externalKeyOf, type NewOrder } from './order.ts'

function order(id: number, amountMinor = 100n, tenantId = 'caudal'): NewOrder {
  return {
    tenantId,
    userId: '0198c0de-0003-7000-8000-000000000001',
    externalOrderId: `0198c0de-0004-7000-8000-${String(id).padStart(12, '0')}`,
    amountMinor,
    currency: 'USD',
    serviceName: 'Water',
    serviceAccountNumber: '1',
    serviceBankCode: '2',
  }
}

test('a repeat creates nothing, and a conflict refuses its whole request and no other', () => {
  const requests = [
    [order(1), order(2)],
    [order(3), order(2, 999n), order(4)],
    [order(2), order(4)],
    [order(4, 999n)],
    [order(4, 999n, 'other')],
  ]
  const { decisions, fresh } = decideCreations(requests, [order(1)])
  assert.deepEqual(decisions, [
    { kind: 'accepted' },
    { kind: 'conflict', order: order(2, 999n) },
    { kind: 'accepted' },
    { kind: 'conflict', order: order(4, 999n) },
    { kind: 'accepted' },
  ])
  assert.deepEqual(fresh, [order(2), order(4), order(4, 999n, 'other')])
})

const requests = fc.array(
  fc.uniqueArray(
    fc.record({ id: fc.nat(5), amount: fc.bigInt(1n, 2n) }).map(({ id, amount }) => {
      return order(id, amount)
    }),
    { selector: externalKeyOf, minLength: 1, maxLength: 4 },
  ),
)

test('splitting a batch changes no decision and no order', () => {
  fc.assert(
    fc.property(requests, fc.nat(), (all, cut) => {
      const at = all.length === 0 ? 0 : cut % all.length
      const whole = decideCreations(all, [])
      const first = decideCreations(all.slice(0, at), [])
      const second = decideCreations(all.slice(at), first.fresh)
      assert.deepEqual(whole.decisions, [...first.decisions, ...second.decisions])
      assert.deepEqual(whole.fresh, [...first.fresh, ...second.fresh])
    }),
  )
})
