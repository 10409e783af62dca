import type { CaudalEvent } from '@caudal/contracts/events.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import type { Topic } from '@caudal/contracts/topics.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** An event to be published; `traceparent` (W3C) goes into the record's headers. */
export type OutboxEvent = {
  topic: Topic
  event: CaudalEvent
  traceparent?: string | undefined
}

/** The five arrays that `outboxInsert` takes as its parameters. */
export type OutboxColumns = [
  eventIds: Buffer,
  topics: Buffer,
  keys: Buffer,
  payloads: Buffer,
  headers: Buffer,
]

/** The events as columns; the key of each is its account_id (ADR 0001). */
export function outboxColumns(events: readonly OutboxEvent[]): OutboxColumns {
  return [
    uuidArray(events, ({ event }) => event.event_id),
    textArray(events, ({ topic }) => topic),
    textArray(events, ({ event }) => event.account_id),
    textArray(events, ({ event }) => serializeEvent(event)),
    textArray(events, headersOf),
  ]
}

/** What the event does not say itself; a traceparent has nothing in it that JSON would escape. */
function headersOf({ traceparent }: OutboxEvent): string {
  return traceparent === undefined ? '{}' : `{"traceparent":"${traceparent}"}`
}

/**
 * The insert as SQL, for a statement of its own or as one part of a larger one; the five arrays of
 * `outboxColumns` are the parameters from `$first` on. Ids are taken row by row as the arrays are
 * unnested, after the caller's row locks, so the order per key is the order of ids (rule 5).
 */
export function outboxInsert(first: number): string {
  const at = (index: number): string => `$${first + index}`
  // Unnested side by side in the select list: as a table function the rows would be stored first.
  return `
    INSERT INTO outbox (event_id, topic, record_key, payload, headers)
    SELECT unnest(${at(0)}::uuid[]), unnest(${at(1)}::text[]), unnest(${at(2)}::text[]),
      unnest(${at(3)}::text[]), unnest(${at(4)}::text[])`
}

const INSERT = outboxInsert(1)

/** Writes events to the outbox, in the transaction of what they tell of: one statement (F3). */
export async function addToOutbox(tx: Tx, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return
  await tx.query({ name: 'add-to-outbox', text: INSERT, values: outboxColumns(events) })
}
