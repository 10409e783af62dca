import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { PspPaymentRequest } from '../src/domain/payment-request.ts'
import { pspMigrations } from '../src/migrations.ts'
import { type IncomingPayment, processBatch } from '../src/process-batch.ts'
import { examplePayment } from './start-psp.ts'

test('P8: a batch of payments is one statement, with callbacks and without', async (t) => {
  const { pool } = await testDatabase(t, { sets: pspMigrations, name: 'psp' })
  for (const enabled of [false, true]) {
    let statements = 0
    let wakes = 0
    const db = new Proxy(pool, {
      get(target, name) {
        if (name === 'query') statements += 1
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const callbacks = { enabled, wake: () => void (wakes += 1) }
    const batch = Array.from({ length: 50 }, incoming)
    const processed = await processBatch({ db, callbacks }, batch)
    assert.ok(processed.every(({ payment }) => payment?.verdict === 'approved'))
    assert.deepEqual([statements, wakes], [1, enabled ? 1 : 0])
    const { rows } = await pool.query<{ stored: number }>(
      'SELECT count(*)::integer AS stored FROM callbacks',
    )
    assert.equal(rows[0]?.stored, enabled ? batch.length : 0)
  }
})

function incoming(): IncomingPayment {
  const paymentId = randomUUID()
  const request = examplePayment(paymentId) as PspPaymentRequest
  return { paymentId, request, amountMinor: 10_050n, behaviour: { kind: 'approve' } }
}
