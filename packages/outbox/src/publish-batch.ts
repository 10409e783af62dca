import type { EventLog, NewRecord } from '@caudal/event-log/event-log.ts'
import type { ClientBase } from 'pg'

/** Rows per pass at most: one append, one mark. */
export const BATCH_ROWS = 1_000

type OutboxRow = {
  id: string
  topic: string
  record_key: string
  payload: string
  headers: string
  created_at: Date
}

export type Published = { records: readonly NewRecord[]; oldestAt: Date | undefined }

/**
 * Publishes the oldest unpublished rows and marks them. Rows that commit late are found by their
 * mark, not by their id, so none is skipped. A crash between the append and the mark publishes
 * them again: the log is at least once (rule 4).
 */
export async function publishBatch(client: ClientBase, log: EventLog): Promise<Published> {
  const { rows } = await client.query<OutboxRow>({
    name: 'select-unpublished',
    text: `SELECT id, topic, record_key, payload, headers, created_at FROM outbox
           WHERE published_at IS NULL ORDER BY id LIMIT ${BATCH_ROWS}`,
  })
  const records = rows.map((row) => ({
    topic: row.topic,
    key: row.record_key,
    value: row.payload,
    headers: JSON.parse(row.headers) as Record<string, string>,
  }))
  if (rows.length > 0) {
    await log.append(records)
    await client.query({
      name: 'mark-published',
      text: 'UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])',
      values: [rows.map((row) => row.id)],
    })
  }
  return { records, oldestAt: rows[0]?.created_at }
}
