import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { newOrder } from '../src/domain/order.ts'
import { orderMigrations } from '../src/migrations.ts'
import { processBatch } from '../src/process-batch.ts'
import { createOrderCreation } from '../src/requests/create-orders.ts'
import { findOrders } from '../src/store/find-orders.ts'
import { anOrder } from './an-order.ts'
import { finalized } from './finalized.ts'

const COUNT = 1_000

function counting<T extends Db | Tx>(target: T): { counted: T; statements: () => number } {
  let statements = 0
  const counted = new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name)
      if (name !== 'query' || typeof value !== 'function') return value
      return (...input: unknown[]): unknown => {
        statements += 1
        return value.apply(object, input)
      }
    },
  })
  return { counted, statements: () => statements }
}

test('a thousand orders are looked up, and paid, in one statement each', async (t) => {
  const { pool } = await testDatabase(t, { sets: orderMigrations, name: 'statements' })
  const wanted = Array.from({ length: COUNT }, () => anOrder(newId()))
  const fallback = { tenantId: 'caudal', id: '' }
  const creation = createOrderCreation(pool)
  await creation.create(wanted.map((order) => newOrder(order, fallback)))

  const lookup = counting(pool)
  const keys = wanted.map((order) => ({
    tenantId: 'caudal',
    externalOrderId: order.external_order_id,
  }))
  assert.equal((await findOrders(lookup.counted, keys)).length, COUNT)
  assert.equal(lookup.statements(), 1)

  const record = { topic: '', key: '', value: '', headers: {}, partition: 0, offset: 0n }
  const work = wanted.map((order) => ({
    type: 'payment' as const,
    incoming: { event: finalized(order), record },
  }))
  await transaction(pool, async (tx) => {
    const payment = counting(tx)
    await processBatch({}, payment.counted, work)
    assert.equal(payment.statements(), 1)
  })
  const { rowCount } = await pool.query(`SELECT FROM orders WHERE status = 'PAID'`)
  assert.equal(rowCount, COUNT)
})
