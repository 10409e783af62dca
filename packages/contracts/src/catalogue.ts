import type { Static } from 'typebox'
import { type EventRow, keyIn } from './event-row.ts'
import { fundsEvents } from './events/funds.ts'
import { ledgerEvents } from './events/ledger.ts'
import { paymentEvents } from './events/payments.ts'
import { postingEvents } from './events/postings.ts'
import { pspFactEvents } from './events/psp-facts.ts'
import { refundEvents } from './events/refunds.ts'
import { returnEvents } from './events/returns.ts'
import { userEvents } from './events/users.ts'
import type { ServiceName } from './services.ts'
import type { Topic } from './topics.ts'

/** Every type of event of this release (ADR 0014). */
export const CATALOGUE = {
  ...paymentEvents,
  ...fundsEvents,
  ...refundEvents,
  ...postingEvents,
  ...pspFactEvents,
  ...returnEvents,
  ...ledgerEvents,
  ...userEvents,
}

export type EventType = keyof typeof CATALOGUE

/** The event of a type, as TypeScript sees it. */
export type EventOf<T extends EventType> = Static<(typeof CATALOGUE)[T]['schema']>

/** Every event of the system. */
export type CaudalEvent = EventOf<EventType>

/** Every release knows the types of the first one, so their records need no header. */
const FIRST_RELEASE = '0.1.0'

const ROWS: ReadonlyMap<string, EventRow> = new Map(Object.entries(CATALOGUE))

/** The row of a type; undefined for a type that this release does not know. */
export function findRow(type: string): EventRow | undefined {
  return ROWS.get(type)
}

/** The `schema_version` that this release emits for a type. */
export function schemaVersionOf(type: EventType): string {
  return CATALOGUE[type].version
}

/** The topic that a type of event is published to. */
export function topicOf(type: EventType): Topic {
  return CATALOGUE[type].topic
}

/** The partition key of an event: the value of the member that its row names. */
export function partitionKeyOf(event: CaudalEvent): string {
  return keyIn(CATALOGUE[event.event_type], event)
}

/**
 * The services that must understand the event, for the record's `consumers` header. A service of an
 * older release cannot look up a type that came later; by the header it knows whether it may skip
 * it. Undefined for types that every release knows.
 */
export function consumersHeaderOf(type: EventType): readonly ServiceName[] | undefined {
  const { since, consumers }: EventRow = CATALOGUE[type]
  return since === FIRST_RELEASE ? undefined : consumers
}
