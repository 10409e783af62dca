import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionKeyOf } from '@caudal/contracts/catalogue.ts'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { EventLog, NewRecord } from '@caudal/event-log/event-log.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { userCreatedEvent } from '@caudal/testing/user-created-event.ts'
import pg from 'pg'
import { addToOutbox, type OutboxEvent } from '../src/add-to-outbox.ts'
import { outboxMigrations } from '../src/migrations.ts'
import { SELECT_WITH_GAPS } from '../src/publish-batch.ts'
import { RELAY_SESSION, startRelay } from '../src/relay.ts'

const logger = createLogger({ service: 'test', level: 'silent' })

/** A log that keeps what it is given and fails on demand: the relay only ever appends. */
function memoryLog(): { log: EventLog; records: NewRecord[]; fail(times: number): void } {
  const records: NewRecord[] = []
  let failing = 0
  const refuse = (): never => assert.fail('a relay only appends')
  const append = async (batch: readonly NewRecord[]): Promise<void> => {
    if (failing-- > 0) throw new Error('the broker is down')
    records.push(...batch)
  }
  const others = { read: refuse, join: refuse, earliest: refuse, end: refuse, identify: refuse }
  const log = { ...others, append, close: refuse }
  return { log, records, fail: (times) => (failing = times) }
}

function outboxEvent(accountId = newId()): OutboxEvent {
  const event = userCreatedEvent({ account_id: accountId })
  return { event, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
}

async function unpublished(db: Db): Promise<number> {
  const { rows } = await db.query<{ waiting: bigint }>(
    'SELECT count(*) AS waiting FROM outbox_unpublished',
  )
  return Number(rows[0]!.waiting)
}

async function prepare(t: TestScope) {
  const {
    pool: db,
    url,
    ownerUrl,
  } = await testDatabase(t, { sets: [outboxMigrations], name: 'outbox' })
  const memory = memoryLog()
  const metrics = createMetrics('test')
  const start = () => {
    const relay = startRelay({ url, log: memory.log, logger, metrics })
    t.after(() => relay.stop())
    return relay
  }
  return { db, url, ownerUrl, start, metrics, ...memory }
}

test('F3: committed events are published in order with key and trace; rolled back ones never', async (t) => {
  const { db, records, start, metrics } = await prepare(t)
  const relay = start()
  const events = Array.from({ length: 30 }, () => outboxEvent())
  await transaction(db, (tx) => addToOutbox(tx, events))
  const refused = transaction(db, async (tx) => {
    await addToOutbox(tx, [outboxEvent()])
    throw new Error('planted')
  })
  await assert.rejects(refused, /planted/)
  relay.wake()
  await eventually(async () => (await unpublished(db)) === 0)
  assert.deepEqual(
    records.map((record) => (JSON.parse(record.value) as UserCreated).event_id),
    events.map(({ event }) => event.event_id),
  )
  assert.equal(records[0]!.key, partitionKeyOf(events[0]!.event))
  assert.equal(records[0]!.headers['traceparent'], events[0]!.traceparent)
  await eventually(async () => /^outbox_oldest_seconds_count\S* 1$/m.test(await metrics.text()))
})

test('rule 5: a transaction that commits late is not skipped and blocks no other', async (t) => {
  const { db, records, start } = await prepare(t)
  const relay = start()
  const [late, early] = [outboxEvent(), outboxEvent()]
  const slow = await db.connect()
  await slow.query('BEGIN')
  await addToOutbox(slow, [late])
  await transaction(db, (tx) => addToOutbox(tx, [early]))
  relay.wake()
  await eventually(() => records.length === 1, { label: 'the later id is published first' })
  await slow.query('COMMIT')
  slow.release()
  relay.wake()
  await eventually(() => records.length === 2, { label: 'the late commit is published' })
  assert.deepEqual(
    records.map((it) => it.key),
    [early, late].map(({ event }) => partitionKeyOf(event)),
  )
})

test('F3: events wait while the log is down, and are then published in order', async (t) => {
  const { db, records, start, fail } = await prepare(t)
  fail(3)
  const relay = start()
  const account = newId()
  const events = Array.from({ length: 5 }, () => outboxEvent(account))
  for (const event of events) {
    await transaction(db, (tx) => addToOutbox(tx, [event]))
    relay.wake()
  }
  await eventually(async () => (await unpublished(db)) === 0)
  const published = records.map((it) => (JSON.parse(it.value) as UserCreated).event_id)
  assert.deepEqual(
    [...new Set(published)],
    events.map(({ event }) => event.event_id),
  )
})

test('rule 5: ids of a transaction that rolled back are given up and delay no other', async (t) => {
  const { db, records, start } = await prepare(t)
  const relay = start()
  const undone = transaction(db, async (tx) => {
    await addToOutbox(tx, [outboxEvent(), outboxEvent()])
    throw new Error('planted')
  })
  await assert.rejects(undone, /planted/)
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  relay.wake()
  await eventually(() => records.length === 1)
  const gaps = async (): Promise<number> => {
    const { rows } = await db.query<{ gaps: number }>(
      'SELECT cardinality(missing_first) AS gaps FROM outbox_progress',
    )
    return rows[0]!.gaps
  }
  await eventually(async () => (await gaps()) === 0, { label: 'the gap is given up' })
})

test('rule 5: a gap stays as long as its transaction is open, also over a new relay', async (t) => {
  const { db, records, start } = await prepare(t)
  const first = start()
  const late = outboxEvent()
  const slow = await db.connect()
  await slow.query('BEGIN')
  await addToOutbox(slow, [late])
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  first.wake()
  await eventually(() => records.length === 1)
  await first.stop()
  const second = start()
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  await eventually(() => records.length === 2)
  await second.drained(5_000)
  await slow.query('COMMIT')
  slow.release()
  second.wake()
  await eventually(() => records.length === 3, { label: 'the late commit is published' })
  assert.equal(records[2]!.key, partitionKeyOf(late.event))
})

test('one relay of a database is active, and another takes over when it stops', async (t) => {
  const { db, records, start } = await prepare(t)
  const first = start()
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  first.wake()
  await eventually(() => records.length === 1)
  const second = start()
  await first.stop()
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  await eventually(() => records.length === 2, { label: 'the second relay publishes' })
  await second.drained(5_000)
})

test('published partitions are dropped, one with an unpublished row stays', async (t) => {
  const { db, ownerUrl, start, records } = await prepare(t)
  const partitions = async (): Promise<string[]> => {
    const { rows } = await db.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent = 'outbox'::regclass ORDER BY 1`,
    )
    return rows.map((row) => row.name)
  }
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  await moveSequence(ownerUrl, 1_000_000)
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  await moveSequence(ownerUrl, 3_000_000)
  await transaction(db, (tx) => addToOutbox(tx, [outboxEvent()]))
  await db.query('SELECT rotate_outbox()')
  assert.ok((await partitions()).includes('outbox_0'), 'its row is not published yet')
  assert.ok((await partitions()).includes('outbox_11'), 'there is room ahead')
  const relay = start()
  await relay.drained(5_000)
  await eventually(() => records.length === 3)
  await eventually(async () => (await unpublished(db)) === 0)
  await db.query('SELECT rotate_outbox()')
  const left = await partitions()
  assert.ok(!left.includes('outbox_0') && !left.includes('outbox_1') && left.includes('outbox_2'))
})

/** Continues with a higher id, as after millions of events. */
async function moveSequence(ownerUrl: string, id: number): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await owner.query(`SELECT setval('outbox_id_seq', $1)`, [id])
  await owner.end()
}

test('rows of a gap are found by index, even by a plan made for an empty outbox', async (t) => {
  const { url, ownerUrl } = await prepare(t)
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await owner.query('VACUUM (ANALYZE)')
  await owner.end()
  /** The parts of the outbox that would be read from one end to the other. */
  const walksWith = async (statement: string, options: string): Promise<string[]> => {
    const client = new pg.Client({ connectionString: url, options })
    await client.connect()
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (GENERIC_PLAN) ${statement}`,
    )
    await client.end()
    const lines = rows.map((row) => row['QUERY PLAN'])
    const scans = lines.flatMap((line, at) => (/ Scan .*on outbox_\d/.test(line) ? [at] : []))
    assert.ok(scans.length > 1)
    return scans.filter((at) => !lines[at + 1]?.includes('Index Cond')).map((at) => lines[at]!)
  }
  const joined = SELECT_WITH_GAPS.replace(/CROSS JOIN LATERAL \([^)]*\) AS o/, () => {
    return 'JOIN outbox o ON o.id BETWEEN m.first_id AND m.last_id'
  })
  assert.notEqual(joined, SELECT_WITH_GAPS)
  assert.notDeepEqual(await walksWith(joined, RELAY_SESSION), [], 'a join walks')
  assert.notDeepEqual(await walksWith(SELECT_WITH_GAPS, ''), [], 'so does an empty outbox')
  assert.deepEqual(await walksWith(SELECT_WITH_GAPS, RELAY_SESSION), [])
  assert.deepEqual(await walksWith('SELECT count(*) FROM outbox_unpublished', RELAY_SESSION), [])
})
