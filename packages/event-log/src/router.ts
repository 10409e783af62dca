import {
  type CaudalEvent,
  type EventOf,
  type EventType,
  findRow,
  topicOf,
} from '@caudal/contracts/catalogue.ts'
import { parseEvent } from '@caudal/contracts/parse-event.ts'
import type { Topic } from '@caudal/contracts/topics.ts'
import type { LogRecord } from './event-log.ts'
import type { IncomingEvent } from './incoming-event.ts'
import type { ParkKind } from './park-error.ts'

/** Why a handler cannot turn an event into work: a person must look at it (rule 11). */
export class Unprocessable {
  readonly cause: string
  constructor(cause: string) {
    this.cause = cause
  }
}

/** Turns an event into a unit of work for the service's spine. Pure: no I/O, no clock. */
export type Handler<E extends CaudalEvent, W> = (incoming: IncomingEvent<E>) => W | Unprocessable

/**
 * The types of events that a service consumes, with what it makes of each. The topics to consume
 * follow from them. Everything else in these topics is skipped and counted.
 */
export type Handlers<W> = { readonly [T in EventType]?: Handler<EventOf<T>, W> }

/** What becomes of a record before the spine sees it. */
export type Routed<W> =
  | { kind: 'work'; work: W }
  | { kind: 'skipped' }
  | { kind: 'parked'; as: ParkKind; cause: string }

/** The topics of the declared types, each once. */
export function topicsOf<W>(handlers: Handlers<W>): Topic[] {
  return [...new Set((Object.keys(handlers) as EventType[]).map(topicOf))]
}

/**
 * Routes a record to its handler. An event of a type that the service does not declare is skipped.
 * What a later release wrote waits for a deploy, unless it names its consumers and this service
 * (`group`) is not among them (ADR 0014).
 */
export function route<W>(
  { handlers, group }: { handlers: Handlers<W>; group: string },
  record: LogRecord,
): Routed<W> {
  const parsed = parseEvent(record.value)
  if (parsed.kind === 'unreadable') {
    const { type, cause } = parsed
    if (type !== undefined && !(type in handlers)) return { kind: 'skipped' }
    return { kind: 'parked', as: 'unprocessable', cause }
  }
  if (parsed.kind === 'newer') {
    return isForThis(parsed.type, { handlers, group }, record)
      ? { kind: 'parked', as: 'waiting', cause: parsed.cause }
      : { kind: 'skipped' }
  }
  const { event } = parsed
  const handler = handlers[event.event_type] as Handler<CaudalEvent, W> | undefined
  if (handler === undefined) return { kind: 'skipped' }
  const work = handler({ event, record })
  if (work instanceof Unprocessable) {
    return { kind: 'parked', as: 'unprocessable', cause: work.cause }
  }
  return { kind: 'work', work }
}

/** By the catalogue for a type of this release, else by the record's `consumers` header. */
function isForThis<W>(
  type: string,
  { handlers, group }: { handlers: Handlers<W>; group: string },
  { headers }: LogRecord,
): boolean {
  if (findRow(type) !== undefined) return type in handlers
  const consumers = headers['consumers']
  return consumers === undefined || consumers.split(',').includes(group)
}
