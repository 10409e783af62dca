import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { consumerMigrations } from '../src/migrations.ts'

// The statements of release 0.1.0, as it sends them while a later release has migrated already.
const INSERT_OFFSETS = `
  INSERT INTO consumer_offsets (consumer_group, topic, partition, next_offset)
  SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::bigint[])
  ON CONFLICT DO NOTHING`
const ADVANCE = `
  WITH wanted AS (
    SELECT * FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::bigint[])
      AS w(topic, partition, from_offset, to_offset)
  ), locked AS (
    SELECT o.topic, o.partition
    FROM consumer_offsets o JOIN wanted w USING (topic, partition)
    WHERE o.consumer_group = $1 AND o.next_offset = w.from_offset
    ORDER BY o.topic, o.partition
    FOR UPDATE OF o
  ), moved AS (
    UPDATE consumer_offsets o SET next_offset = w.to_offset, moved_at = now()
    FROM wanted w JOIN locked l USING (topic, partition)
    WHERE o.consumer_group = $1 AND o.topic = w.topic AND o.partition = w.partition
      AND o.next_offset = w.from_offset
    RETURNING 1
  )
  SELECT
    require_that(
      (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
      'CA001', 'the offsets have been moved by another consumer'
    ),
    ARRAY(
      SELECT DISTINCT p.topic || ' ' || p.record_key FROM parked_records p
      WHERE p.consumer_group = $1 AND p.resolved_at IS NULL
        AND p.record_key = ANY($6::text[])
    ) AS parked`
const PARK = `
  INSERT INTO parked_records (consumer_group, topic, partition, record_offset, record_key,
    value, headers, kind, cause)
  SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::text[])
  ON CONFLICT DO NOTHING`
const TAKE = `
  SELECT p.topic, p.partition, p.record_offset, p.record_key, p.value, p.headers
  FROM parked_records p
  WHERE p.consumer_group = $1 AND p.resolved_at IS NULL AND p.kind = 'waiting'
    AND p.next_attempt_at <= now()
    AND NOT EXISTS (
      SELECT 1 FROM parked_records earlier
      WHERE earlier.consumer_group = p.consumer_group AND earlier.topic = p.topic
        AND earlier.record_key = p.record_key AND earlier.resolved_at IS NULL
        AND earlier.record_offset < p.record_offset)
  ORDER BY p.next_attempt_at, p.topic, p.partition, p.record_offset
  LIMIT 1
  FOR UPDATE OF p SKIP LOCKED`
const POSTPONE = `
  UPDATE parked_records
  SET attempts = attempts + 1, kind = $5, cause = $6,
    next_attempt_at = now() + least(60, 0.5 * 2 ^ least(attempts, 8)) * interval '1 second'
  WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset = $4`
const RESOLVE = `
  UPDATE parked_records SET resolved_at = now()
  WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND record_offset = $4`

/** Each column of the insert is an array; the group is not. */
const listed = (value: unknown, index: number): unknown => (index === 0 ? value : [value])

test('the statements of release 0.1.0 work on the tables of this release', async (t: TestScope) => {
  const { pool: db } = await testDatabase(t, { sets: [consumerMigrations] })
  const at = ['wallets', 'payments.results', 3]
  for (let repeat = 0; repeat < 2; repeat += 1) {
    await db.query(INSERT_OFFSETS, ['wallets', ['payments.results'], [3], [5n]])
  }
  const advance = ['wallets', ['payments.results'], [3], [5n], [7n], ['key']]
  assert.deepEqual((await db.query(ADVANCE, advance)).rows[0].parked, [])
  await assert.rejects(db.query(ADVANCE, advance), { code: 'CA001' })
  const park = (offset: bigint, kind: string) =>
    db.query(
      PARK,
      ['wallets', ...at.slice(1), offset, 'key', '{}', '{}', kind, 'early'].map(listed),
    )
  await park(5n, 'waiting')
  await park(5n, 'waiting')
  await park(6n, 'waiting')
  const next = ['wallets', ['payments.results'], [3], [7n], [8n], ['key']]
  assert.deepEqual((await db.query(ADVANCE, next)).rows[0].parked, ['payments.results key'])
  assert.equal((await db.query(TAKE, ['wallets'])).rows[0].record_offset, 5n)
  await db.query(POSTPONE, [...at, 5n, 'waiting', 'still early'])
  assert.equal((await db.query(TAKE, ['wallets'])).rowCount, 0)
  await db.query(RESOLVE, [...at, 5n])
  assert.equal((await db.query(TAKE, ['wallets'])).rows[0].record_offset, 6n)
  // What this release parks as newer keeps its key closed for the release before.
  await db.query(`UPDATE parked_records SET kind = 'newer' WHERE record_offset = 6`)
  assert.equal((await db.query(TAKE, ['wallets'])).rowCount, 0)
})
