import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog, TopicPartition } from '@caudal/event-log/event-log.ts'
import { partitionOf } from '@caudal/event-log/partition-of.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { checkOutboxLog, selectOutboxLogs } from '../src/check-outbox-log.ts'
import { outboxMigrations } from '../src/migrations.ts'

/** A log of which only the identity and the partitions with a record are asked for. */
function aLog(id: string, used: readonly TopicPartition[] = []): EventLog {
  const refuse = (): never => assert.fail('only identity and ends are asked for')
  const isUsed = ({ topic, partition }: TopicPartition): boolean =>
    used.some((it) => it.topic === topic && it.partition === partition)
  return {
    append: refuse,
    read: refuse,
    join: refuse,
    earliest: refuse,
    end: async (partitions) => partitions.map((it) => ({ ...it, offset: isUsed(it) ? 1n : 0n })),
    identify: async (topics) => new Map(topics.map((topic) => [topic, id])),
    close: refuse,
  }
}

/** An outbox with one event, published by release 0.1.0: it names no log. */
async function published(t: TestScope): Promise<{ db: Db; at: TopicPartition }> {
  const { pool: db } = await testDatabase(t, { sets: [outboxMigrations], name: 'outbox' })
  const key = newId()
  await db.query(
    `INSERT INTO outbox (event_id, topic, record_key, payload, headers)
     VALUES (gen_random_uuid(), $1, $2, '{}', '{}')`,
    [TOPICS.users, key],
  )
  await db.query('UPDATE outbox_progress SET published_to = 1')
  return { db, at: { topic: TOPICS.users, partition: partitionOf(key) } }
}

test('an outbox is published to one log only', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: [outboxMigrations], name: 'outbox' })
  await checkOutboxLog(db, aLog('embedded:a'), 'payments')
  await checkOutboxLog(db, aLog('embedded:a'), 'payments')
  await assert.rejects(checkOutboxLog(db, aLog('kafka:c/t'), 'payments'), {
    code: 'OTHER_LOG',
    message: /outbox of payments belongs to the embedded event log a.*caudal move-log --to kafka/,
  })
})

test('an outbox of release 0.1.0 adopts the log that has what it published', async (t) => {
  const { db, at } = await published(t)
  await checkOutboxLog(db, aLog('kafka:c/t', [at]), 'payments')
  const known = await selectOutboxLogs(db)
  assert.deepEqual([...new Set(known.values())], ['kafka:c/t'])
  assert.deepEqual([...known.keys()].toSorted(), Object.values(TOPICS).toSorted())
})

test('an outbox of release 0.1.0 refuses a log that is empty where it published', async (t) => {
  const { db } = await published(t)
  await assert.rejects(checkOutboxLog(db, aLog('embedded:new'), 'payments'), {
    code: 'OFFSET_OUT_OF_RANGE',
    message: /identity\.users, which is empty in this event log/,
  })
  assert.equal((await selectOutboxLogs(db)).size, 0)
})
