import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { logMigrations } from '../src/migrations.ts'
import { openPostgresLog } from '../src/postgres/open-postgres-log.ts'
import { logConformance, OTHER_TOPIC, TOPIC } from './conformance.ts'

const topics = [TOPIC, OTHER_TOPIC]

logConformance('postgres', async (t) => {
  const { url } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  return () => openPostgresLog({ url, topics })
})

test('a topic with another number of partitions is refused at start (rule 3)', async (t) => {
  const { url, adminUrl, pool } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const log = await openPostgresLog({ url, topics })
  await log.close()
  assert.ok(adminUrl)
  await pool.query(`INSERT INTO log_partitions (topic, partition) VALUES ($1, 12)`, [TOPIC])
  await assert.rejects(openPostgresLog({ url, topics }), /13 partitions instead of 12/)
})

test('F4: the runtime role can neither change nor remove a record', async (t) => {
  const { pool } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  for (const statement of [
    `UPDATE log_records SET value = ''`,
    'DELETE FROM log_records',
    'TRUNCATE log_records',
  ]) {
    await assert.rejects(pool.query(statement), { code: '42501' })
  }
})

test('offsets are dense in every partition, and a refused batch takes none', async (t) => {
  const { url, pool } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const log = await openPostgresLog({ url, topics })
  t.after(() => log.close())
  const recordTo = (topic: string, index: number) => ({
    topic,
    key: `key-${index % 29}`,
    value: `${index}`,
    headers: {},
  })
  const batches = [1, 7, 200, 1].map((size, nth) =>
    Array.from({ length: size }, (_, at) => recordTo(topics[at % 2]!, nth * 1_000 + at)),
  )
  for (const batch of batches) {
    await log.append(batch)
    const refused = [recordTo('absent', 0), ...batch]
    await assert.rejects(log.append(refused), { code: 'EVENT_LOG_REFUSED' })
  }
  const { rows } = await pool.query<{ topic: string; next: bigint; offsets: bigint[] }>(
    `SELECT topic, next_offset AS next, array_agg(record_offset ORDER BY value::int) AS offsets
     FROM log_records JOIN log_partitions USING (topic, partition)
     GROUP BY topic, partition, next_offset`,
  )
  assert.equal(new Set(rows.map(({ topic }) => topic)).size, 2)
  for (const { next, offsets } of rows) {
    assert.deepEqual(offsets, [...offsets.keys()].map(BigInt))
    assert.equal(next, BigInt(offsets.length))
  }
  const written = rows.reduce((sum, { offsets }) => sum + offsets.length, 0)
  assert.equal(written, batches.flat().length)
})
