import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decidePayments, firstPayments, ownedKeyOf } from './decide-payments.ts'
import type { PaidOrder } from './orders-paid-by.ts'

/** Payments by the number of their order; each is the next payment. */
function paymentsOf(orders: readonly number[]): PaidOrder[] {
  return orders.map((order, position) => ({
    tenantId: 'caudal',
    userId: 'user',
    externalOrderId: `order-${order}`,
    paymentId: `payment-${position}`,
    position,
  }))
}

/** Marks the orders as the database does: one that is paid stays as it is. */
function mark(paid: readonly PaidOrder[], before: ReadonlyMap<string, string>) {
  return new Map([
    ...paid.map((payment) => [ownedKeyOf(payment), payment.paymentId] as const),
    ...before,
  ])
}

test('of several payments of an order the first pays it, the others do not', () => {
  const paid = paymentsOf([1, 2, 1, 1])
  const paidWith = mark(firstPayments(paid), new Map())
  assert.deepEqual(decidePayments(paid, paidWith), [
    { position: 2, paidWith: 'payment-0' },
    { position: 3, paidWith: 'payment-0' },
  ])
})

test('a payment that paid its order before is no conflict, though another came first', () => {
  const paid = paymentsOf([1, 1])
  const before = new Map([[ownedKeyOf(paid[0]!), 'payment-1']])
  const paidWith = mark(firstPayments(paid), before)
  assert.deepEqual(decidePayments(paid, paidWith), [{ position: 0, paidWith: 'payment-1' }])
})

test('an unknown order, also of another user or tenant, is paid with nothing', () => {
  const [payment] = paymentsOf([1])
  const others = [
    { ...payment!, userId: 'other' },
    { ...payment!, tenantId: 'other' },
  ]
  const paidWith = new Map([[ownedKeyOf(payment!), payment!.paymentId]])
  assert.deepEqual(
    decidePayments([payment!, ...others], paidWith),
    others.map(({ position }) => ({ position, paidWith: null })),
  )
})

test('splitting a batch changes nothing', () => {
  const numbers = fc.array(fc.nat(4), { maxLength: 12 })
  fc.assert(
    fc.property(numbers, fc.nat(12), (orders, at) => {
      const paid = paymentsOf(orders)
      const whole = decidePayments(paid, mark(firstPayments(paid), new Map()))
      const [head, tail] = [paid.slice(0, at), paid.slice(at)]
      const afterHead = mark(firstPayments(head), new Map())
      const afterTail = mark(firstPayments(tail), afterHead)
      const split = [...decidePayments(head, afterHead), ...decidePayments(tail, afterTail)]
      assert.deepEqual(split, whole)
    }),
  )
})
