import type { Static, TSchema } from 'typebox'
import type { Actor } from './actor.ts'
import type { ServiceName } from './services.ts'
import type { Topic } from './topics.ts'

/** A stored event as JSON, before it is brought to the form of this release. */
export type StoredEvent = Record<string, unknown>

/** Brings a stored event from its minor version to the next one. Changes nothing else. */
export type Upcast = (event: StoredEvent, row: EventRow) => StoredEvent

/**
 * One row of the catalogue: everything the system has to know about a type of event. Parser,
 * serializer, outbox and the generated reference derive from it (ADR 0014).
 */
export interface EventRow {
  schema: TSchema
  /** What happened, in one sentence, for the reference. */
  description: string
  topic: Topic
  /** The member that is the partition key; `eventRows` checks that the schema has it. */
  key: string
  /** The service that emits it. */
  owner: ServiceName
  /** The services that must understand it; every other consumer of the topic skips it. */
  consumers: readonly ServiceName[]
  /**
   * `schema_version` that this release emits: MAJOR.MINOR.PATCH. A patch adds members that a reader
   * may ignore; a minor or major version must be understood, so an older reader waits for it.
   */
  version: `${number}.${number}.${number}`
  /** The release that emitted it first. */
  since: string
  /** One for each minor version since the first: `upcasts[0]` reads 1.0, `upcasts[1]` 1.1, … */
  upcasts: readonly Upcast[]
}

/** The members of an event that can be its partition key: texts that are always there. */
export type KeyOf<S extends TSchema> = {
  [M in keyof Static<S>]-?: Static<S>[M] extends string ? M : never
}[keyof Static<S>]

/** Rows of the catalogue, as they are; one whose key its events do not have does not compile. */
export function eventRows<const R extends Readonly<Record<string, EventRow>>>(
  rows: R & { readonly [T in keyof R]: { readonly key: KeyOf<R[T]['schema']> } },
): R {
  return rows
}

/** The partition key of an event of this row. */
export function keyIn({ key }: EventRow, event: object): string {
  return (event as Record<string, string>)[key]!
}

function withActor(pick: (event: StoredEvent, row: EventRow) => Actor): Upcast {
  return (event, row) => ({ ...event, actor: pick(event, row) })
}

function system({ owner }: EventRow): Actor {
  return { type: 'system', id: owner }
}

/** 1.0 → 1.1: the actor, which events of 0.1.0 do not name. */
export const upcastTo = {
  byUser: withActor((event) => ({ type: 'user', id: String(event['user_id']) })),
  byClient: withActor((event, row) =>
    typeof event['client_id'] === 'string'
      ? { type: 'client', id: event['client_id'] }
      : system(row),
  ),
  bySystem: withActor((_, row) => system(row)),
}
