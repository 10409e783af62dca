import { intArray, smallintArray, textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { EventLogError } from '../event-log-error.ts'
import type { NewRecord } from '../event-log.ts'
import { partitionOf } from '../partition-of.ts'

/** Where `append_records` signals that topics have grown; the payload names the topics. */
export const CHANNEL = 'caudal_log'

/** The records of one partition, counted; `number` is its place in the arrays, from 1. */
interface Share {
  number: number
  topic: string
  partition: number
  records: number
}

/**
 * Appends the records in one statement, by the function that knows which role may append to which
 * topic (ADR 0030).
 *
 * @throws {EventLogError} EVENT_LOG_REFUSED when a topic is not there, or is not for this role;
 *   nothing was appended then
 */
export async function appendRecords(db: Db, records: readonly NewRecord[]): Promise<void> {
  if (records.length === 0) return
  const { shares, places } = shareOut(records)
  const names = [...new Set(shares.map((share) => share.topic))].join(',')
  const statement = sql`
    SELECT append_records(
      ${names}, ${textArray(shares, (share) => share.topic)}::text[],
      ${smallintArray(shares, (share) => share.partition)}::smallint[],
      ${intArray(shares, (share) => share.records)}::int[],
      ${intArray(places, ({ share }) => share.number)}::int[],
      ${intArray(places, ({ place }) => place)}::int[],
      ${textArray(records, (record) => record.key)}::text[],
      ${textArray(records, (record) => record.value)}::text[],
      ${textArray(records, (it) => JSON.stringify(it.headers))}::text[]
    )`
  const appended = db.query(named('append-records', statement))
  await appended.catch((error: unknown) => {
    if (isForbidden(error)) {
      throw new EventLogError('EVENT_LOG_REFUSED', (error as Error).message)
    }
    if (!hasNoOffset(error)) throw error
    // Without its cause, which quotes the record.
    throw new EventLogError('EVENT_LOG_REFUSED', `not all of these topics are there: ${names}`)
  })
}

/** PostgreSQL's insufficient_privilege, by the function's own check. */
function isForbidden(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return code === '42501' && String(message).includes('may not append to')
}

/** PostgreSQL's not_null_violation: a partition without a head gives its records no offsets. */
function hasNoOffset(error: unknown): boolean {
  const { code, column } = error as { code?: unknown; column?: unknown }
  return code === '23502' && column === 'record_offset'
}

/** The share that each record belongs to, and how many of the share come before it. */
function shareOut(records: readonly NewRecord[]): {
  shares: Share[]
  places: { share: Share; place: number }[]
} {
  const shares = new Map<string, Share>()
  const places = records.map(({ topic, key }) => {
    const partition = partitionOf(key)
    const name = `${topic}/${partition}`
    let share = shares.get(name)
    if (share === undefined) {
      share = { number: shares.size + 1, topic, partition, records: 0 }
      shares.set(name, share)
    }
    const place = share.records
    share.records += 1
    return { share, place }
  })
  return { shares: [...shares.values()], places }
}
