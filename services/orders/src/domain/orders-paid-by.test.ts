import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import fc from 'fast-check'
import { ordersPaidBy, type PaymentEnd } from './orders-paid-by.ts'

const id = (kind: number, n: number): string =>
  `0198c0de-000${kind}-7000-8000-${String(n).padStart(12, '0')}`

function finalized(payment: number, order: number, status: 'COMPLETED' | 'FAILED') {
  const event: PaymentFinalized = {
    event_id: id(0, payment),
    event_type: 'payment.finalized',
    timestamp: '2025-01-01T00:00:00Z',
    schema_version: '1.1.0',
    actor: { type: 'system', id: 'identity' },
    region: 'local',
    tenant_id: 'caudal',
    account_id: id(1, 1),
    payment_id: id(2, payment),
    user_id: id(3, 1),
    external_order_id: id(4, order),
    amount: '1.00',
    currency: 'USD',
    service_name: 'Water',
    status,
    reason: status === 'FAILED' ? 'gateway_declined' : null,
  }
  return event
}

const events = fc.array(
  fc.tuple(fc.nat(6), fc.constantFrom('COMPLETED' as const, 'FAILED' as const)),
)

test('a failed payment pays nothing', () => {
  assert.deepEqual(ordersPaidBy([finalized(1, 1, 'FAILED')]), [])
})

test('a payment that failed and is recovered pays its order once, in any order', () => {
  const { status: _, reason: __, ...rest } = finalized(1, 1, 'FAILED')
  const recovered: PaymentEnd = { ...rest, event_type: 'payment.recovered' }
  const failed = finalized(1, 1, 'FAILED')
  for (const batch of [
    [recovered],
    [failed, recovered],
    [recovered, failed],
    [recovered, failed, recovered],
  ]) {
    const position = batch.indexOf(recovered)
    const paid = ordersPaidBy(batch)
    assert.deepEqual(
      paid.map((it) => [it.paymentId, it.position]),
      [[recovered.payment_id, position]],
    )
  }
})

test('every completed payment pays its order once, also if its event is repeated', () => {
  fc.assert(
    fc.property(events, (deliveries) => {
      const paid = ordersPaidBy(deliveries.map(([n, status]) => finalized(n, n, status)))
      const completed = new Set(
        deliveries.filter(([, status]) => status === 'COMPLETED').map(([n]) => id(2, n)),
      )
      assert.deepEqual(new Set(paid.map((order) => order.paymentId)), completed)
      assert.equal(paid.length, completed.size)
    }),
  )
})

test('each payment knows the place of its first event', () => {
  fc.assert(
    fc.property(events, (deliveries) => {
      const batch = deliveries.map(([n, status]) => finalized(n, n, status))
      for (const { position, paymentId } of ordersPaidBy(batch)) {
        const first = batch.findIndex(
          (event) => event.payment_id === paymentId && event.status === 'COMPLETED',
        )
        assert.equal(position, first)
      }
    }),
  )
})
