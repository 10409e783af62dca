import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { LogRecord } from './event-log.ts'

/** A parked record whose time has come. */
export type DueRecord = {
  record: LogRecord
  /** Attempts so far, the first one included. */
  attempts: number
  /** Whether an operator asked for this attempt. */
  redriven: boolean
}

type DueRow = {
  topic: string
  partition: number
  record_offset: bigint
  record_key: string
  value: string
  headers: string
  attempts: number
  redriven: boolean
}

/**
 * Locks the first open record of each parked order key whose time has come, at most `limit` of
 * them, or the one of `only`. A record behind another one of its order key is never taken, so the
 * order per key holds. One without an order key is not taken: `nameOrderKeys` comes first.
 */
export async function takeDueParked(
  tx: Tx,
  consumer: ConsumerId,
  { limit, only }: { limit: number; only?: LogRecord | undefined },
): Promise<DueRecord[]> {
  const { rows } = await tx.query<DueRow>(sql`
    WITH firsts AS (
      SELECT DISTINCT ON (order_key, topic)
        topic, partition, record_offset, source, kind, next_attempt_at
      FROM parked_records
      WHERE consumer_group = ${consumer.group} AND source = ${consumer.source}
        AND order_key IS NOT NULL AND resolved_at IS NULL
      ORDER BY order_key, topic, record_offset
    ), due AS (
      SELECT topic, partition, record_offset, source FROM firsts
      WHERE kind <> 'unprocessable' AND next_attempt_at <= now()${only ? isRecord(only) : sql``}
      ORDER BY next_attempt_at
      LIMIT ${limit}
    )
    SELECT p.topic, p.partition, p.record_offset, p.record_key, p.value, p.headers, p.attempts,
      p.redriven_at IS NOT NULL AS redriven
    FROM parked_records p JOIN due USING (topic, partition, record_offset, source)
    WHERE p.consumer_group = ${consumer.group} AND p.resolved_at IS NULL
      AND p.next_attempt_at <= now()
    ORDER BY p.topic, p.partition, p.record_offset
    FOR UPDATE OF p SKIP LOCKED`)
  return rows.map((row) => ({
    record: {
      topic: row.topic,
      partition: row.partition,
      offset: row.record_offset,
      key: row.record_key,
      value: row.value,
      headers: JSON.parse(row.headers) as Record<string, string>,
    },
    attempts: row.attempts,
    redriven: row.redriven,
  }))
}

function isRecord({ topic, partition, offset }: LogRecord): Sql {
  return sql`
        AND topic = ${topic} AND partition = ${partition} AND record_offset = ${offset}`
}

/** Lets the records of later releases be tried at once: this may be the release that knows them. */
export async function makeNewerDue(db: Db, { group, source }: ConsumerId): Promise<void> {
  await db.query(sql`
    UPDATE parked_records SET next_attempt_at = now()
    WHERE consumer_group = ${group} AND source = ${source} AND resolved_at IS NULL
      AND kind = 'newer' AND next_attempt_at > now()`)
}
