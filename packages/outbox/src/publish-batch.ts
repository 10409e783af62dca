import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { EventLog, NewRecord } from '@caudal/event-log/event-log.ts'
import type { ClientBase } from 'pg'
import { advance, closable, type Gap, type OutboxProgress } from './outbox-progress.ts'

/** Rows per pass at most: one append, one step of the progress. */
export const BATCH_ROWS = 1_000

/** Gaps are usually filled within milliseconds; only older ones are worth a question. */
const ASK_ABOUT_GAPS_AFTER_MS = 1_000

export type Published = {
  records: readonly NewRecord[]
  oldestAt: Date | undefined
  progress: OutboxProgress
}

/**
 * Publishes what has been committed since, late commits included, and stores how far that is. A
 * crash between the append and that publishes again: the log is at least once (rule 4).
 */
export async function publishBatch(
  client: ClientBase,
  log: EventLog,
  before: OutboxProgress,
): Promise<Published> {
  const dead = await findDeadGaps(client, before)
  const rows = await selectRows(client, before)
  const records = rows.map((row) => ({
    topic: row.topic,
    key: row.record_key,
    value: row.payload,
    headers: JSON.parse(row.headers) as Record<string, string>,
  }))
  if (rows.length === 0 && dead.length === 0) {
    return { records, oldestAt: undefined, progress: before }
  }
  crashPoint('before', 'append')
  await log.append(records)
  crashPoint('after', 'append')
  const kept = { ...before, gaps: before.gaps.filter((gap) => !dead.includes(gap)) }
  // Rows of a gap that was given up and came all the same at the last look are published above.
  const ids = rows.map((row) => Number(row.id))
  return { records, ...(await saveProgress(client, kept, ids)) }
}

type OutboxRow = {
  id: string
  topic: string
  record_key: string
  payload: string
  headers: string
}

const COLUMNS = 'o.id, o.topic, o.record_key, o.payload, o.headers'

const SELECT_NEW = `
  SELECT ${COLUMNS} FROM outbox o WHERE o.id > $1 ORDER BY o.id LIMIT ${BATCH_ROWS}`

/**
 * What was committed late, by the ends of the gaps in $2 and $3, and what is new, above $1. Each
 * gap is looked up by itself: joined, all of the outbox would be read in the order of its ids.
 */
export const SELECT_WITH_GAPS = `
  (SELECT ${COLUMNS}
   FROM unnest($2::bigint[], $3::bigint[]) AS m(first_id, last_id)
   CROSS JOIN LATERAL (
     SELECT * FROM outbox i WHERE i.id BETWEEN m.first_id AND m.last_id
     ORDER BY i.id LIMIT ${BATCH_ROWS}
   ) AS o
   ORDER BY o.id LIMIT ${BATCH_ROWS})
  UNION ALL
  (SELECT ${COLUMNS} FROM outbox o WHERE o.id > $1 ORDER BY o.id LIMIT ${BATCH_ROWS})`

async function selectRows(
  client: ClientBase,
  { publishedTo, gaps }: OutboxProgress,
): Promise<OutboxRow[]> {
  const { rows } =
    gaps.length === 0
      ? await client.query<OutboxRow>({
          name: 'select-new',
          text: SELECT_NEW,
          values: [publishedTo],
        })
      : await client.query<OutboxRow>({
          name: 'select-with-gaps',
          text: SELECT_WITH_GAPS,
          values: [publishedTo, gaps.map((gap) => gap.first), gaps.map((gap) => gap.last)],
        })
  return rows
}

/**
 * Gaps whose transactions are all over: they rolled back, or their rows can be seen by now. Only
 * this database's own transactions count, so one that is open elsewhere holds nothing up (rule 5).
 * The server hides when transactions of other roles began, such as those of a process of release
 * 0.1.0 during an upgrade: while one of them writes to the outbox, no gap is closed.
 */
async function findDeadGaps(client: ClientBase, { gaps }: OutboxProgress): Promise<Gap[]> {
  if (gaps.length === 0) return []
  const { rows } = await client.query<{ now: Date; oldest_open: Date | null }>({
    name: 'oldest-open',
    text: `SELECT clock_timestamp() AS now, min(xact_start) AS oldest_open FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  })
  const { now, oldest_open: oldest } = rows[0]!
  const oldEnough = now.getTime() - ASK_ABOUT_GAPS_AFTER_MS
  const dead = closable(gaps, Math.min(oldEnough, oldest?.getTime() ?? Number.POSITIVE_INFINITY))
  return dead.length === 0 || (await othersWrite(client)) ? [] : dead
}

/** Whether a transaction of another role writes to the outbox. */
async function othersWrite(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ write: boolean }>({
    name: 'others-write',
    text: `SELECT EXISTS (
             SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE l.relation = 'outbox'::regclass AND l.mode = 'RowExclusiveLock'
               AND a.datname = current_database() AND NOT pg_has_role(a.usesysid, 'USAGE')
           ) AS write`,
  })
  return rows[0]!.write
}

async function saveProgress(
  client: ClientBase,
  before: OutboxProgress,
  ids: readonly number[],
): Promise<Omit<Published, 'records'>> {
  const after = advance(before, ids, Number.NaN)
  crashPoint('before', 'outbox-marks')
  const { rows } = await client.query<{ now: Date; oldest_at: Date | null }>({
    name: 'save-progress',
    text: `UPDATE outbox_progress SET published_to = $1, missing_first = $2, missing_last = $3
           RETURNING clock_timestamp() AS now,
             (SELECT created_at FROM outbox WHERE id = $4) AS oldest_at`,
    values: [
      after.publishedTo,
      after.gaps.map((gap) => gap.first),
      after.gaps.map((gap) => gap.last),
      ids[0],
    ],
  })
  crashPoint('after', 'outbox-marks')
  const { now, oldest_at: oldestAt } = rows[0]!
  // The clock is read behind the snapshot that showed the gap, so its owners had all begun before.
  return { progress: advance(before, ids, now.getTime() + 1), oldestAt: oldestAt ?? undefined }
}

/** The stored progress; what took the ids of its gaps may still be open, so they are new. */
export async function loadProgress(client: ClientBase): Promise<OutboxProgress> {
  const { rows } = await client.query<{
    published_to: string
    missing_first: string[]
    missing_last: string[]
    now: Date
  }>(
    `SELECT published_to, missing_first, missing_last, clock_timestamp() AS now
     FROM outbox_progress`,
  )
  const { published_to: publishedTo, missing_first: first, missing_last: last, now } = rows[0]!
  const foundAt = now.getTime() + 1
  const gaps = first.map((id, index) => ({
    first: Number(id),
    last: Number(last[index]),
    foundAt,
  }))
  return { publishedTo: Number(publishedTo), gaps }
}
