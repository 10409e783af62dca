import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { processorMigrations } from '@caudal/processor/migrations.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { callbacksAppliedOnce } from '../src/verify/came-back/callback-check.ts'
import type { CheckInput } from '../src/verify/check.ts'

// Without a running processor, which would apply what is planted.
test('P14: verify finds the facts of callbacks that are due and were not applied', async (t) => {
  const { pool: processor } = await testDatabase(t, { sets: processorMigrations, name: 'overdue' })
  const input = { processor, recentFrom: new Date() } as CheckInput
  const id = newId()
  await processor.query(
    `INSERT INTO callbacks (callback_id, psp, psp_account, body, is_masked)
     VALUES ($1, 'main', 'main', '', false)`,
    [id],
  )
  const insert = (key: string, due: string) =>
    processor.query(
      `INSERT INTO callback_facts (psp, psp_account, key, callback_id, position, fact, due_at)
       VALUES ('main', 'main', $1, $2, 0, '{}', now() + $3::interval)`,
      [key, id, due],
    )
  await insert('of a payment that is under way', '1 hour')
  assert.deepEqual((await callbacksAppliedOnce.run(input)).violations, [])
  await insert('late', '-1 hour')
  const { violations } = await callbacksAppliedOnce.run(input)
  assert.deepEqual(violations, ['1 facts in callbacks of main are due and were not applied'])
})

test('P14: verify finds facts that were applied to operations which ended otherwise', async (t) => {
  const { pool: processor } = await testDatabase(t, { sets: processorMigrations, name: 'effects' })
  const input = { processor, recentFrom: new Date() } as CheckInput
  const callbackId = newId()
  await processor.query(
    `INSERT INTO callbacks (callback_id, psp, psp_account, body, is_masked, state, finished_at)
     VALUES ($1, 'main', 'main', '', false, 'APPLIED', now())`,
    [callbackId],
  )
  const applied = async (kind: string, id: string, state: string): Promise<void> => {
    const fact = { kind, ourId: id, itsId: null, state }
    await processor.query(
      `INSERT INTO callback_facts (psp, psp_account, key, callback_id, position, fact, state,
         due_at, applied_at)
       VALUES ('main', 'main', $1, $2, 0, $3, 'APPLIED', NULL, now())`,
      [newId(), callbackId, JSON.stringify(fact)],
    )
  }
  const found = async (): Promise<string[]> => (await callbacksAppliedOnce.run(input)).violations
  const without = (kind: string, id: string, state: string): string =>
    `a callback of main was applied that ${kind} ${id} is ${state}, which is FAILED`
  const [payment, late, refund, failed] = [newId(), newId(), newId(), newId()]
  for (const [id, transaction] of [
    [payment, null],
    [late, 'late'],
  ]) {
    await processor.query(
      `INSERT INTO payments (payment_id, tenant_id, status, attempt_number, reason,
         late_transaction_id)
       VALUES ($1, 'caudal', 'FAILED', 0, 'canceled', $2)`,
      [id, transaction],
    )
  }
  for (const id of [refund, failed]) {
    await processor.query(
      `INSERT INTO operations (operation_id, kind, request_id, sequence, tenant_id, status, reason)
       VALUES ($1, 'refund', $1, 1, 'caudal', 'FAILED', 'canceled')`,
      [id],
    )
  }
  // The truth that came late is no violation, and neither is a failure of what failed.
  await applied('pay', late, 'approved')
  await applied('refund', failed, 'failed')
  assert.deepEqual(await found(), [])
  await applied('pay', payment, 'approved')
  assert.deepEqual(await found(), [without('pay', payment, 'approved')])
  await applied('refund', refund, 'approved')
  assert.deepEqual(
    (await found()).toSorted((a, b) => a.localeCompare(b)),
    [without('pay', payment, 'approved'), without('refund', refund, 'approved')],
  )
})
