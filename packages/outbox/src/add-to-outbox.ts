import {
  consumersHeaderOf,
  type CaudalEvent,
  partitionKeyOf,
  topicOf,
} from '@caudal/contracts/catalogue.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/** An event to be published; `traceparent` (W3C) goes into the record's headers. */
export type OutboxEvent = {
  event: CaudalEvent
  traceparent?: string | undefined
}

/**
 * The insert of the events, for a statement of its own or as one part of a larger one. Topic and
 * key of each come from its row of the catalogue. Ids are taken row by row as the arrays are
 * unnested, after the caller's row locks, so the order per key is the order of ids (rule 5).
 */
export function outboxInsert(events: readonly OutboxEvent[]): Sql {
  // Unnested side by side in the select list: as a table function the rows would be stored first.
  return sql`
    INSERT INTO outbox (event_id, topic, record_key, payload, headers)
    SELECT unnest(${uuidArray(events, ({ event }) => event.event_id)}::uuid[]),
      unnest(${textArray(events, ({ event }) => topicOf(event.event_type))}::text[]),
      unnest(${textArray(events, ({ event }) => partitionKeyOf(event))}::text[]),
      unnest(${textArray(events, ({ event }) => serializeEvent(event))}::text[]),
      unnest(${textArray(events, headersOf)}::text[])`
}

/** No value has a character that JSON would escape. */
function headersOf({ event, traceparent }: OutboxEvent): string {
  const consumers = consumersHeaderOf(event.event_type)
  if (consumers !== undefined) {
    return JSON.stringify({ traceparent, consumers: consumers.join(',') })
  }
  return traceparent === undefined ? '{}' : `{"traceparent":"${traceparent}"}`
}

/**
 * Writes events to the outbox, in the transaction of the change that they report: one statement
 * (F3).
 */
export async function addToOutbox(tx: Tx, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length > 0) await tx.query(named('add-to-outbox', outboxInsert(events)))
}
