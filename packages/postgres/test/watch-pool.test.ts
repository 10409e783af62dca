import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { createPool } from '../src/create-pool.ts'
import { transaction } from '../src/transaction.ts'

test('a pool shows its connections, how long a request waits for one, and its queries', async (t) => {
  const { url } = await testDatabase(t, { sets: [], name: 'watched' })
  const metrics = createMetrics('test')
  const pool = createPool({ url, applicationName: 'test-pool', max: 2, metrics })
  t.after(() => pool.end())
  const valueOf = async (series: RegExp): Promise<number | undefined> => {
    const found = new RegExp(`^${series.source} (\\S+)$`, 'm').exec(await metrics.text())
    return found ? Number(found[1]) : undefined
  }
  await transaction(pool, (tx) => tx.query({ name: 'find-one', text: 'SELECT 1' }))
  await pool.query('SELECT secret_value FROM (SELECT 1 AS secret_value) s')
  await assert.rejects(pool.query({ name: 'fail', text: 'SELECT 1 / 0' }))
  for (const query of ['find-one', 'begin', 'commit', 'other', 'fail']) {
    const series = new RegExp(`db_query_duration_seconds_count\\{.*query="${query}".*\\}`)
    assert.equal(await valueOf(series), 1, query)
  }
  assert.equal(await valueOf(/db_pool_wait_seconds_count\{.*pool="test-pool".*\}/), 3)
  assert.ok(!(await metrics.text()).includes('secret_value'), 'no text of a query is a label')

  const state = (name: string) =>
    valueOf(new RegExp(`db_pool_connections\\{pool="test-pool",state="${name}",.*\\}`))
  const [one, two] = [await pool.connect(), await pool.connect()]
  const third = pool.connect()
  assert.deepEqual([await state('used'), await state('waiting')], [2, 1])
  one.release()
  two.release()
  ;(await third).release()
  assert.deepEqual([await state('used'), await state('idle'), await state('waiting')], [0, 2, 0])
})
