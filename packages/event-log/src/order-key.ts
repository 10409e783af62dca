import type { CATALOGUE, EventOf, EventType } from '@caudal/contracts/catalogue.ts'
import type { Topic } from '@caudal/contracts/topics.ts'
import type { LogRecord } from './event-log.ts'
import { storableKey } from './storable.ts'

type EventsIn<T extends Topic> = {
  [E in EventType]: (typeof CATALOGUE)[E]['topic'] extends T ? EventOf<E> : never
}[EventType]

/** The members that all events of a topic have, as texts. */
type TextMember<T extends Topic> = {
  [M in keyof EventsIn<T>]-?: EventsIn<T>[M] extends string ? M : never
}[keyof EventsIn<T>]

/**
 * What a consumer keeps in order, topic by topic: the members of an event whose values are its
 * order key, such as `payment_id`. A record waits only behind a parked one of its topic and order
 * key (ADR 0021). Events of one order key must have one record key, since only the records of one
 * partition have an order.
 */
export type OrderBy = { readonly [T in Topic]?: readonly [TextMember<T>, ...TextMember<T>[]] }

/**
 * The order key of an event. One that lacks a member, because it is damaged or in a form that this
 * release does not know, has the record's key instead.
 */
export function orderKeyOf(orderBy: OrderBy, record: LogRecord, event: unknown): string {
  const values = membersOf(orderBy, record.topic).map((member) => {
    return (event as Partial<Record<string, unknown>> | null)?.[member]
  })
  const isWhole = values.every((value) => typeof value === 'string' && value !== '')
  return storableKey(isWhole ? values.join('/') : record.key)
}

/** The order key of a record that may not be an event; its members are read if it has them. */
export function orderKeyOfRecord(orderBy: OrderBy, record: LogRecord): string {
  return orderKeyOf(orderBy, record, jsonOf(record.value))
}

/** @throws {Error} for a topic whose order was not declared: a mistake of the service */
export function checkOrderBy(orderBy: OrderBy, topics: readonly string[]): void {
  for (const topic of topics) membersOf(orderBy, topic)
}

function membersOf(orderBy: OrderBy, topic: string): readonly string[] {
  const members = orderBy[topic as Topic]
  if (members === undefined) throw new Error(`orderBy has no members for the topic ${topic}`)
  return members
}

function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
