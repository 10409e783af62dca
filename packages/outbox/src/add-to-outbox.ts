import {
  announcedConsumersOf,
  type CaudalEvent,
  partitionKeyOf,
  topicOf,
} from '@caudal/contracts/catalogue.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** An event to be published; `traceparent` (W3C) goes into the record's headers. */
export type OutboxEvent = {
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

/** The events as columns; topic and key of each come from its row of the catalogue. */
export function outboxColumns(events: readonly OutboxEvent[]): OutboxColumns {
  return [
    uuidArray(events, ({ event }) => event.event_id),
    textArray(events, ({ event }) => topicOf(event.event_type)),
    textArray(events, ({ event }) => partitionKeyOf(event)),
    textArray(events, ({ event }) => serializeEvent(event)),
    textArray(events, headersOf),
  ]
}

/** No value has a character that JSON would escape. */
function headersOf({ event, traceparent }: OutboxEvent): string {
  const consumers = announcedConsumersOf(event.event_type)
  if (consumers !== undefined) {
    return JSON.stringify({ traceparent, consumers: consumers.join(',') })
  }
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
