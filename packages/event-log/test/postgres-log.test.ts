import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { testDatabase, type TestScope } from '@caudal/testing/test-database.ts'
import { logMigrations } from '../src/migrations.ts'
import { addTopics } from '../src/postgres/add-topics.ts'
import { letUseLog } from '../src/postgres/let-use-log.ts'
import { openPostgresLog } from '../src/postgres/open-postgres-log.ts'
import { readRecords } from '../src/postgres/read-records.ts'
import { logConformance, OTHER_TOPIC, TOPIC } from './conformance.ts'

const topics = [TOPIC, OTHER_TOPIC]

/** A log with the topics of these tests, to which the role of services may append. */
async function testLog(t: TestScope): Promise<{ url: string; pool: Db; owner: Db }> {
  const { url, pool, ownerUrl } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const owner = createPool({ url: ownerUrl, applicationName: 'owner', max: 1 })
  t.after(() => owner.end())
  await addTopics(owner, topics)
  await letUseLog(owner, { role: 'caudal_app', appends: topics, reads: true })
  return { url, pool, owner }
}

logConformance('postgres', async (t) => {
  const { url } = await testLog(t)
  return () => openPostgresLog({ url, topics })
})

test('a topic with another number of partitions is refused at start (rule 3)', async (t) => {
  const { url, owner } = await testLog(t)
  const log = await openPostgresLog({ url, topics })
  await log.close()
  await owner.query(`INSERT INTO log_partitions (topic, partition) VALUES ($1, 12)`, [TOPIC])
  await assert.rejects(openPostgresLog({ url, topics }), /13 partitions instead of 12/)
  await assert.rejects(openPostgresLog({ url, topics: ['absent'] }), /run "caudal migrate"/)
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

test('rule 11: a record with malformed headers is read without them', async (t) => {
  const { pool } = await testLog(t)
  const heads = ['not json', 'null', '["a"]', '{"traceparent":1,"consumers":"a"}']
  await pool.query(
    `SELECT append_records($1, ARRAY[$1], '{0}', ARRAY[cardinality($2::text[])],
       array_fill(1, ARRAY[cardinality($2)]), '{0,1,2,3}', $2, $2, $2)`,
    [TOPIC, heads],
  )
  const records = await readRecords(pool, [{ topic: TOPIC, partition: 0, offset: 0n }], 10)
  assert.deepEqual(
    records.map(({ headers }) => headers),
    [{}, {}, {}, { consumers: 'a' }],
  )
})

test('offsets are dense in every partition, and a refused batch takes none', async (t) => {
  const { url, pool, owner } = await testLog(t)
  await letUseLog(owner, { role: 'caudal_app', appends: [...topics, 'absent'], reads: true })
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
