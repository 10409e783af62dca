import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import type { EventLog, NewRecord } from '../src/event-log.ts'
import { logMigrations } from '../src/migrations.ts'
import { findMove } from '../src/move/move-journal.ts'
import { moveRecords } from '../src/move/move-records.ts'
import { openPostgresLog } from '../src/postgres/open-postgres-log.ts'

const RECORDS = 5_000
const signal = new AbortController().signal
const progress = (): void => {}

type Place = { log: EventLog; db: Db }

/** A log as the role that owns it sees it; identities differ, as those of Kafka's topics do. */
async function place(t: TestScope): Promise<Place> {
  const { url, ownerUrl } = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const db = createPool({ url: ownerUrl, applicationName: 'test', max: 2 })
  t.after(() => db.end())
  await db.query('UPDATE log_identity SET log_id = gen_random_uuid()')
  const log = await openPostgresLog({ url })
  t.after(() => log.close())
  return { log, db }
}

function someRecords(count = RECORDS): NewRecord[] {
  const topics = [TOPICS.paymentsRequested, TOPICS.ledger]
  const keys = Array.from({ length: 40 }, () => newId())
  return Array.from({ length: count }, (_, index) => ({
    topic: topics[index % 2]!,
    key: keys[index % keys.length]!,
    value: String(index),
    headers: index % 3 === 0 ? { traceparent: `trace-${index}` } : {},
  }))
}

async function rows({ db }: Place) {
  const { rows: all } = await db.query(
    `SELECT topic, partition, record_offset, record_key, value, headers::jsonb AS headers
     FROM log_records ORDER BY topic, partition, record_offset`,
  )
  return all as object[]
}

test('a log is moved with equal offsets, and a second run changes nothing', async (t) => {
  const [source, target] = [await place(t), await place(t)]
  await source.log.append(someRecords())
  const move = () =>
    moveRecords({ source: source.log, target: target.log, logDb: source.db, progress, signal })
  assert.equal((await move()).records, BigInt(RECORDS))
  assert.deepEqual(await rows(target), await rows(source))
  assert.equal((await findMove(source.db))?.step, 'copied')
  await assert.rejects(source.log.identify([TOPICS.ledger]), { code: 'OTHER_LOG' })
  // As of a service that started on Kafka already.
  await target.log.append(someRecords(1))
  await move()
  assert.equal((await rows(target)).length, RECORDS + 1)
})

test('an interrupted copy is gone on with, and each record is there once', async (t) => {
  const [source, target] = [await place(t), await place(t)]
  await source.log.append(someRecords())
  let appends = 0
  const dying: EventLog = {
    ...target.log,
    append: async (records) => {
      appends += 1
      if (appends === 2) throw new Error('planted')
      await target.log.append(records)
    },
  }
  const options = { source: source.log, logDb: source.db, progress, signal }
  await assert.rejects(moveRecords({ ...options, target: dying }), /planted/)
  const before = (await rows(target)).length
  assert.ok(before > 0 && before < RECORDS)
  await moveRecords({ ...options, target: target.log })
  assert.deepEqual(await rows(target), await rows(source))
})

test('a log is not moved to topics with records of others', async (t) => {
  const [source, target] = [await place(t), await place(t)]
  await source.log.append(someRecords(10))
  await target.log.append(someRecords(1))
  const options = { source: source.log, target: target.log, logDb: source.db, progress, signal }
  const refused = { code: 'TOPIC_MISCONFIGURED', message: /only moved to empty topics/ }
  await assert.rejects(moveRecords(options), refused)
  assert.equal(await findMove(source.db), undefined)
})

test('an append that was repeated is found, and the move begins anew with other topics', async (t) => {
  const [source, target, another] = [await place(t), await place(t), await place(t)]
  await source.log.append(someRecords(100))
  const repeating: EventLog = {
    ...target.log,
    append: async (records) => {
      await target.log.append(records)
      await target.log.append(records.slice(0, 1))
    },
  }
  const options = { source: source.log, logDb: source.db, progress, signal }
  const refused = { code: 'TOPIC_MISCONFIGURED', message: /no copy .*Delete the topics/ }
  await assert.rejects(moveRecords({ ...options, target: repeating }), refused)
  await assert.rejects(moveRecords({ ...options, target: target.log }), refused)
  await moveRecords({ ...options, target: another.log })
  assert.deepEqual(await rows(another), await rows(source))
})

test('a record that differs in the copy is found', async (t) => {
  const [source, target] = [await place(t), await place(t)]
  await source.log.append(someRecords(100))
  const changing: EventLog = {
    ...target.log,
    append: (records) =>
      target.log.append(records.map((it) => (it.value === '7' ? { ...it, value: '8' } : it))),
  }
  const options = { source: source.log, logDb: source.db, progress, signal }
  const refused = { code: 'TOPIC_MISCONFIGURED', message: /its records differ/ }
  await assert.rejects(moveRecords({ ...options, target: changing }), refused)
  assert.equal((await findMove(source.db))?.step, 'copying')
})

test('an embedded log with a hole is not moved', async (t) => {
  const [source, target] = [await place(t), await place(t)]
  await source.log.append(someRecords(100))
  await source.db.query(`DELETE FROM log_records WHERE value = '7'`)
  const options = { source: source.log, target: target.log, logDb: source.db, progress, signal }
  await assert.rejects(moveRecords(options), {
    code: 'OFFSET_OUT_OF_RANGE',
    message: /should have \d+ records, but has \d+/,
  })
})
