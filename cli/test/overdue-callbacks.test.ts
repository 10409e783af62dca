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
