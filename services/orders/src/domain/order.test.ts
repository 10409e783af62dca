import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AmountError } from '@caudal/money/amount-error.ts'
import { isSameOrder, newOrder, type OrderInput, viewOrder } from './order.ts'

const INPUT: OrderInput = {
  user_id: '0198C0DE-0000-7000-8000-00000000000A',
  amount: '100.50',
  currency: 'USD',
  service_name: 'Electricity',
  service_account_number: '0011223344',
  service_bank_code: 'BANK01',
}
const FALLBACK = { tenantId: 'caudal', id: '0198c0de-0000-7000-8000-0000000000ff' }

test('an order keeps minor units inside and a decimal string outside', () => {
  const order = newOrder(INPUT, FALLBACK)
  assert.equal(order.amountMinor, 10_050n)
  const view = viewOrder({ ...order, status: 'UNPAID', createdAt: new Date(0) })
  assert.equal(view.amount, '100.50')
  assert.equal(view.external_order_id, FALLBACK.id)
  assert.equal(view.tenant_id, 'caudal')
})

test('ids in upper case name the same order', () => {
  assert.equal(newOrder(INPUT, FALLBACK).userId, INPUT.user_id.toLowerCase())
})

test('more decimals than the currency has are refused', () => {
  assert.throws(() => newOrder({ ...INPUT, amount: '1.005' }, FALLBACK), AmountError)
  assert.throws(() => newOrder({ ...INPUT, amount: '1.5', currency: 'JPY' }, FALLBACK), AmountError)
})

test('two orders are equal only if no member differs', () => {
  const order = newOrder(INPUT, FALLBACK)
  assert.ok(isSameOrder(order, newOrder({ ...INPUT, amount: '100.5' }, FALLBACK)))
  assert.ok(!isSameOrder(order, newOrder({ ...INPUT, amount: '100.51' }, FALLBACK)))
  assert.ok(!isSameOrder(order, newOrder({ ...INPUT, service_bank_code: 'B2' }, FALLBACK)))
})
