import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { nameOf } from '@caudal/outbound/call-key.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { newOperation } from '../src/domain/psp-operation.ts'
import { processorMigrations } from '../src/migrations.ts'
import { findNextStep } from '../src/store/find-next-step.ts'
import { recordPayments } from '../src/store/record-payments.ts'
import { newPaymentFacts } from './new-payment-facts.ts'

test('a due payment whose circuit is open waits for it until its deadline', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'next' })
  const facts = newPaymentFacts({ tenantId: 'a', destinationBank: 'DEADBANK' })
  const { paymentId } = facts
  const payment = { facts, requestBody: Buffer.from('{}'), state: newOperation(0) }
  const { now } = await transaction(db, (tx) => recordPayments(tx, [payment]))
  const modes = new Map<string, CircuitMode>()
  const find = (tenantId = 'a') =>
    findNextStep(
      db,
      { tenantId, paymentId },
      { modeOf: (key) => modes.get(nameOf(key)) ?? 'closed', waitMs: 15_000 },
    )
  const at = (timeMs: number): string => new Date(timeMs).toISOString()
  assert.deepEqual(await find(), { step: 'psp.send', at: at(now) })
  modes.set(nameOf({ tenant: 'a', destination: 'DEADBANK' }), 'open')
  assert.deepEqual(await find(), { step: 'psp.wait_for_circuit', at: at(now + 15_000) })
  assert.equal(await find('b'), undefined)
  await db.query(`UPDATE payments SET due_at = due_at + interval '1 hour'`)
  assert.deepEqual(await find(), { step: 'psp.send', at: at(now + 3_600_000) })
})
