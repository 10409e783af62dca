import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventLog, NewRecord } from '@caudal/event-log/event-log.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { outboxMigrations } from '../src/migrations.ts'
import { publishBatch } from '../src/publish-batch.ts'

const INSERT = `
  INSERT INTO outbox (event_id, topic, record_key, payload, headers)
  VALUES (gen_random_uuid(), 'topic', 'key', $1, '{}')`
/** Found so long ago that only an open transaction can keep it open. */
const GAP = { first: 1, last: 1, foundAt: 0 }

test('rule 5: a late transaction of another role is not skipped', async (t) => {
  const { url, ownerUrl } = await testDatabase(t, { sets: [outboxMigrations], name: 'outbox' })
  const clients = [url, ownerUrl].map((connectionString) => new pg.Client({ connectionString }))
  const [relay, other] = clients as [pg.Client, pg.Client]
  t.after(() => Promise.all(clients.map((client) => client.end())).then(() => {}))
  await Promise.all(clients.map((client) => client.connect()))
  const records: NewRecord[] = []
  const log = { append: async (batch: readonly NewRecord[]) => void records.push(...batch) }
  const publish = (before: Parameters<typeof publishBatch>[2]) =>
    publishBatch(relay, log as unknown as EventLog, before)

  await other.query('BEGIN')
  await other.query(INSERT, ['late'])
  await relay.query(INSERT, ['early'])
  const { progress } = await publish({ publishedTo: 0, gaps: [] })
  assert.deepEqual([progress.publishedTo, progress.gaps.length], [2, 1])
  const waiting = await publish({ ...progress, gaps: [GAP] })
  assert.deepEqual(waiting.progress.gaps, [GAP])
  await other.query('COMMIT')
  const after = await publish(waiting.progress)
  assert.deepEqual(after.progress, { publishedTo: 2, gaps: [] })
  assert.deepEqual(
    records.map(({ value }) => value),
    ['early', 'late'],
  )
})
