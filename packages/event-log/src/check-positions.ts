import { setTimeout as delay } from 'node:timers/promises'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { positionKey } from './advance-offsets.ts'
import type { ConsumerId } from './consumer-id.ts'
import { EventLogError } from './event-log-error.ts'
import type { EventLog, Position, TopicPartition } from './event-log.ts'
import { type LogIds, refuseOtherLog } from './log-identity.ts'

const ATTEMPTS_AT_MOST = 10
const BACKOFF = { baseMs: 200, mostMs: 3_000 }

/**
 * Refuses positions that are not of this log: those of another one, and those beyond its end.
 * Positions of release 0.1.0, which name no log, adopt this one.
 *
 * @throws {EventLogError} OTHER_LOG or OFFSET_OUT_OF_RANGE, with a message that states what to do
 */
export async function checkPositions(
  db: Db,
  log: EventLog,
  consumer: ConsumerId,
  topics: readonly string[],
): Promise<void> {
  const owner = `the position of ${consumer.group}`
  const here = await askLog(() => log.identify(topics))
  refuseOtherLog(owner, await selectLogs(db, consumer), here)
  const positions = await selectPositions(db, consumer, topics)
  refuseBeyondEnd(owner, positions, await askLog(() => log.end(positions)))
  await insertLogs(db, consumer, here)
  // Another process may have started on another log meanwhile; the first one wins.
  refuseOtherLog(owner, await selectLogs(db, consumer), here)
}

/**
 * Asks again while the log does not answer: a start while a broker is down must not fail for that.
 *
 * @throws {EventLogError} after about 20 s, or at once what a repeat does not change
 */
export async function askLog<T>(question: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await question()
    } catch (error) {
      const passes = error instanceof EventLogError && error.retryable
      if (!passes || attempt === ATTEMPTS_AT_MOST) throw error
      await delay(backoffMs(BACKOFF, attempt, Math.random()))
    }
  }
}

/** @throws {EventLogError} OFFSET_OUT_OF_RANGE */
function refuseBeyondEnd(
  owner: string,
  positions: readonly Position[],
  ends: readonly Position[],
): void {
  const endOf = new Map(ends.map((it) => [positionKey(it.topic, it.partition), it.offset]))
  for (const { topic, partition, offset } of positions) {
    const end = endOf.get(positionKey(topic, partition)) ?? 0n
    if (offset <= end) continue
    throw new EventLogError(
      'OFFSET_OUT_OF_RANGE',
      `${owner} in partition ${partition} of ${topic} is ${offset}, but this event log ends ` +
        `at ${end}: it is another log, or an earlier state of it. Start with the log that the ` +
        'system had (KAFKA_BROKERS, KAFKA_PREFIX, CAUDAL_LOG_DATABASE_URL), or restore it.',
    )
  }
}

async function selectLogs(db: Db, { group, source }: ConsumerId): Promise<LogIds> {
  const { rows } = await db.query<{ topic: string; log_id: string }>(sql`
    SELECT topic, log_id FROM consumer_logs
    WHERE consumer_group = ${group} AND source = ${source}`)
  return new Map(rows.map((row) => [row.topic, row.log_id]))
}

async function selectPositions(
  db: Db,
  { group, source }: ConsumerId,
  topics: readonly string[],
): Promise<Position[]> {
  const { rows } = await db.query<TopicPartition & { next_offset: bigint }>(sql`
    SELECT topic, partition, next_offset FROM consumer_offsets
    WHERE consumer_group = ${group} AND source = ${source} AND topic = ANY(${topics}::text[])`)
  return rows.map(({ topic, partition, next_offset: offset }) => ({ topic, partition, offset }))
}

async function insertLogs(db: Db, { group, source }: ConsumerId, here: LogIds): Promise<void> {
  await db.query(sql`
    INSERT INTO consumer_logs (consumer_group, source, topic, log_id)
    SELECT ${group}, ${source}, * FROM unnest(
      ${[...here.keys()]}::text[],
      ${[...here.values()]}::text[]
    )
    ON CONFLICT DO NOTHING`)
}
