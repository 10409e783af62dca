import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { type NewOrder, newOrder } from '../src/domain/order.ts'
import { orderMigrations } from '../src/migrations.ts'
import { createOrderCreation } from '../src/requests/create-orders.ts'
import { anOrder } from './an-order.ts'

const fallback = { tenantId: 'caudal', id: '' }
const someOrders = (count: number): NewOrder[] =>
  Array.from({ length: count }, () => newOrder(anOrder(newId()), fallback))

test('F2: requests of two processes for the same orders create each order once', async (t) => {
  const { pool } = await testDatabase(t, { sets: orderMigrations, name: 'race' })
  const processes = [createOrderCreation(pool), createOrderCreation(pool)]
  const wanted = someOrders(20)
  const requests = Array.from({ length: 40 }, (_, index) => {
    const orders = wanted.slice(index % 10, (index % 10) + 10)
    return processes[index % 2]!.create(index % 3 === 0 ? orders.toReversed() : orders)
  })
  for (const outcome of await Promise.all(requests)) {
    assert.ok('created' in outcome)
    assert.equal(outcome.created.length, 10)
    for (const order of outcome.created) assert.equal(order.status, 'UNPAID')
  }
  const { rows } = await pool.query<{ id: string }>('SELECT external_order_id AS id FROM orders')
  const ids = wanted.slice(0, 19).map((order) => order.externalOrderId)
  assert.deepEqual(rows.map(({ id }) => id).toSorted(), ids.toSorted())
})

test('a conflict refuses its request, and the requests that share its batch succeed', async (t) => {
  const { pool } = await testDatabase(t, { sets: orderMigrations, name: 'conflict' })
  const creation = createOrderCreation(pool)
  const [first, second, third] = someOrders(3) as [NewOrder, NewOrder, NewOrder]
  const changed = { ...first, amountMinor: first.amountMinor + 1n }
  const outcomes = await Promise.all([
    creation.create([first]),
    creation.create([second, changed]),
    creation.create([third]),
  ])
  assert.deepEqual(outcomes[1], { conflict: changed })
  const stored = await pool.query<{ id: string }>('SELECT external_order_id AS id FROM orders')
  assert.deepEqual(
    stored.rows.map(({ id }) => id).toSorted(),
    [first, third].map((order) => order.externalOrderId).toSorted(),
  )
  await creation.drain()
})
