import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { planOf } from '@caudal/testing/plan-of.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { processorMigrations } from '../src/migrations.ts'
import { listCallbacks } from '../src/store/list-callbacks.ts'

const ROWS = 10_000
/** Far less than the table has. */
const BLOCKS_AT_MOST = 150

/** Callbacks of a frequent account, and the oldest five of a rare one. */
const FILL = `
  INSERT INTO callbacks (callback_id, psp, psp_account, body, is_masked, state, finished_at)
  SELECT ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'main',
    CASE WHEN n <= 5 THEN 'rare' ELSE 'main' END, '{}', false,
    CASE WHEN n % 2_500 = 0 OR n = 3 THEN 'PARKED' ELSE 'APPLIED' END, now()
  FROM generate_series(1, ${ROWS}) n`

test('callbacks are listed by index, of frequent and of rare accounts and states', async (t) => {
  const { pool, ownerUrl } = await testDatabase(t, { sets: processorMigrations, name: 'lists' })
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await owner.query(FILL)
  await owner.query('VACUUM ANALYZE callbacks')
  await owner.end()
  const of = (account: string) => ({ psp: 'main', account })
  const accounts = [null, [of('rare')], [of('main'), of('rare')], [of('none')], []]
  const counts: number[][] = []
  for (const named of accounts) {
    const found: number[] = []
    for (const state of [null, 'PARKED', 'CONTRADICTION']) {
      for (const before of [null, newId()]) {
        const filter = { accounts: named, state, before, limit: 21 }
        let count = 0
        const { blocks, text } = await planOf(pool, async (db) => {
          count = (await listCallbacks(db, filter)).length
        })
        const about = `${JSON.stringify(filter)}: ${blocks} blocks`
        assert.ok(blocks < BLOCKS_AT_MOST, about)
        assert.ok(!/"Node Type":"Seq Scan"[^{}]*"Relation Name":"callbacks"/.test(text), about)
        found.push(count)
      }
    }
    counts.push(found)
  }
  assert.deepEqual(counts, [
    [21, 21, 5, 5, 0, 0],
    [5, 5, 1, 1, 0, 0],
    [21, 21, 5, 5, 0, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ])
})
