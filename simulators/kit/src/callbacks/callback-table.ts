import { bigintArray, intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** A callback to send once it is due. */
export interface NewCallback {
  /** The operation that it reports. */
  subjectId: string
  /** JSON, which does not change from attempt to attempt. */
  body: string
  /** Milliseconds from now. */
  delayMs: number
}

/** A callback that is due. */
export interface DueCallback {
  callbackId: bigint
  subjectId: string
  body: string
  attempts: number
}

/** A callback and what became of it. */
export interface StoredCallback extends DueCallback {
  dueAt: Date
  deliveredAt: Date | null
}

/** The result of one attempt; `pauseMs` is the time until the next one. */
export interface CallbackAttempt {
  callbackId: bigint
  delivered: boolean
  pauseMs: number
}

/** The INSERT of callbacks, for a statement that also writes what they report. */
export function insertCallbacks(callbacks: readonly NewCallback[], condition: Sql = ALL): Sql {
  return sql`
    INSERT INTO callbacks (subject_id, body, due_at)
    SELECT subject_id, body, now() + delay_ms * interval '1 millisecond'
    FROM unnest(
      ${uuidArray(callbacks, (callback) => callback.subjectId)}::uuid[],
      ${textArray(callbacks, (callback) => callback.body)}::text[],
      ${intArray(callbacks, (callback) => callback.delayMs)}::integer[]
    ) WITH ORDINALITY AS input (subject_id, body, delay_ms, place)
    WHERE ${condition}
    ORDER BY place`
}

const ALL = sql`true`

/** At most `limit` callbacks that are due, the oldest first. */
export async function readDueCallbacks(db: Db, limit: number): Promise<DueCallback[]> {
  const statement = sql`
    SELECT callback_id AS "callbackId", subject_id AS "subjectId", body, attempts
    FROM callbacks
    WHERE delivered_at IS NULL AND due_at <= now()
    ORDER BY due_at, callback_id
    LIMIT ${limit}`
  return (await db.query<DueCallback>(named('read-due-callbacks', statement))).rows
}

/** Milliseconds until the next callback is due; null if there is none. */
export async function msUntilDue(db: Db): Promise<number | null> {
  const statement = sql`
    SELECT extract(epoch FROM min(due_at) - now())::float8 * 1000 AS ms
    FROM callbacks WHERE delivered_at IS NULL`
  const { rows } = await db.query<{ ms: number | null }>(named('ms-until-due', statement))
  return rows[0]?.ms ?? null
}

/** Stores the results of a round. */
export async function recordAttempts(db: Db, attempts: readonly CallbackAttempt[]): Promise<void> {
  await db.query(
    named(
      'record-callback-attempts',
      sql`
        UPDATE callbacks
        SET attempts = attempts + 1,
          delivered_at = CASE WHEN delivered = 1 THEN now() END,
          due_at = now() + pause_ms * interval '1 millisecond'
        FROM unnest(
          ${bigintArray(attempts, (attempt) => attempt.callbackId)}::bigint[],
          ${intArray(attempts, (attempt) => (attempt.delivered ? 1 : 0))}::integer[],
          ${intArray(attempts, (attempt) => attempt.pauseMs)}::integer[]
        ) AS input (id, delivered, pause_ms)
        WHERE callback_id = id`,
    ),
  )
}

/** Whether the first attempt of a callback about the operation is still to come. */
export async function awaitsFirstAttempt(db: Db, subjectId: string): Promise<boolean> {
  const { rows } = await db.query(sql`
    SELECT 1 FROM callbacks
    WHERE subject_id = ${subjectId} AND attempts = 0 AND delivered_at IS NULL LIMIT 1`)
  return rows.length > 0
}

/** Lists at most `limit` callbacks after the id `after`, oldest first. */
export async function listCallbacks(
  db: Db,
  filter: { subjectId: string | null; after: bigint | null; limit: number },
): Promise<StoredCallback[]> {
  const { rows } = await db.query<StoredCallback>(sql`
    SELECT callback_id AS "callbackId", subject_id AS "subjectId", body, attempts,
      due_at AS "dueAt", delivered_at AS "deliveredAt"
    FROM callbacks
    WHERE (${filter.subjectId}::uuid IS NULL OR subject_id = ${filter.subjectId})
      AND (${filter.after}::bigint IS NULL OR callback_id > ${filter.after})
    ORDER BY callback_id
    LIMIT ${filter.limit}`)
  return rows
}
