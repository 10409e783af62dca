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
