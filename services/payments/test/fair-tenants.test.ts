import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { ownedOrderOf } from '../src/domain/decide-requests.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { ask, ORDER, requestsOver, show } from './direct-requests.ts'

test('F7: a payment request shares the next batch, however many another tenant has waiting', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: paymentMigrations, name: 'fair' })
  const batches: string[][] = []
  const requests = requestsOver(db, {
    lookUpOrders: async (wanted) => {
      batches.push(wanted.map(({ tenantId }) => tenantId))
      return new Map(wanted.map((it) => [ownedOrderOf(it), ORDER]))
    },
  })
  const loud = Array.from({ length: 1_200 }, () => requests.request(ask({ tenantId: 'loud' })))
  const quiet = requests.request(ask({ tenantId: 'quiet' }))
  assert.deepEqual(show(await quiet), [202, false])
  const first = batches.findIndex((batch) => batch.includes('quiet'))
  const before = batches.slice(0, first).flat().length
  assert.ok(before <= 500, `${before} of 1,200 requests were decided before it`)
  for (const outcome of await Promise.all(loud)) assert.deepEqual(show(outcome), [202, false])
})
