import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transaction } from '@caudal/postgres/transaction.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { newOperation } from '../src/domain/psp-operation.ts'
import { processorMigrations } from '../src/migrations.ts'
import { findStranded } from '../src/store/find-stranded.ts'
import { recordPayments } from '../src/store/record-payments.ts'
import { newPaymentFacts } from './new-payment-facts.ts'

test('payments of a PSP that is not configured any more are counted, those that name none are not', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'stranded' })
  const payments = ['gone', 'gone', 'main', null].map((psp) => ({
    facts: newPaymentFacts(),
    requestBody: Buffer.from('{}'),
    state: { ...newOperation(0), psp },
  }))
  await transaction(db, (tx) => recordPayments(tx, payments))
  assert.deepEqual(await findStranded(db, ['main']), [{ psp: 'gone', count: 2 }])
  assert.deepEqual(await findStranded(db, ['main', 'gone']), [])
  assert.deepEqual(await findStranded(db, ['gone']), [{ psp: 'main', count: 1 }])
})
