import {
  type CaudalEvent,
  type EventOf,
  type EventType,
  topicOf,
} from '@caudal/contracts/catalogue.ts'
import { type ParseEvent, parseEvent } from '@caudal/contracts/parse-event.ts'
import type { Topic } from '@caudal/contracts/topics.ts'
import type { LogRecord } from './event-log.ts'
import type { IncomingEvent } from './incoming-event.ts'
import { type OrderBy, orderKeyOf, orderKeyOfRecord } from './order-key.ts'
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

/** What the router knows of a consumer. */
export type Router<W> = {
  handlers: Handlers<W>
  orderBy: OrderBy
  group: string
  /** Default: by the catalogue of this release. */
  parse?: ParseEvent | undefined
}

/** What becomes of a record before the spine sees it. */
export type Routed<W> =
  /** `newerPatch`: a later release wrote it, so a refusal of its work waits for a deploy. */
  | { kind: 'work'; work: W; orderKey: string; newerPatch: boolean }
  /** `type` is `unknown` for a type that is not in the catalogue. */
  | { kind: 'skipped'; type: string }
  | { kind: 'parked'; as: ParkKind; orderKey: string; cause: string }

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
  { handlers, orderBy, group, parse = parseEvent }: Router<W>,
  record: LogRecord,
): Routed<W> {
  const parsed = parse(record.value)
  if (parsed.kind === 'unreadable') {
    const { type, cause } = parsed
    if (type !== undefined && !Object.hasOwn(handlers, type)) return { kind: 'skipped', type }
    const orderKey = orderKeyOfRecord(orderBy, record)
    return { kind: 'parked', as: 'unprocessable', orderKey, cause }
  }
  if (parsed.kind === 'newer') {
    const { type, knownType, cause } = parsed
    const mine = knownType ? Object.hasOwn(handlers, type) : mayBeFor(group, record)
    if (mine) {
      return { kind: 'parked', as: 'newer', orderKey: orderKeyOfRecord(orderBy, record), cause }
    }
    // Records name types at will; metrics name only those of the catalogue.
    return { kind: 'skipped', type: knownType ? type : 'unknown' }
  }
  const { event, newerPatch } = parsed
  const handler = handlers[event.event_type] as Handler<CaudalEvent, W> | undefined
  if (handler === undefined) return { kind: 'skipped', type: event.event_type }
  const work = workOf(handler, { event, record })
  const orderKey = orderKeyOf(orderBy, record, event)
  if (work instanceof Unprocessable) {
    const as = newerPatch ? 'newer' : 'unprocessable'
    return { kind: 'parked', as, orderKey, cause: work.cause }
  }
  return { kind: 'work', work, orderKey, newerPatch }
}

/** A handler is pure, so what it threw for an event it throws again: no retry would help. */
function workOf<E extends CaudalEvent, W>(
  handler: Handler<E, W>,
  incoming: IncomingEvent<E>,
): W | Unprocessable {
  try {
    return handler(incoming)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return new Unprocessable(`the handler failed: ${what}`)
  }
}

/** By the record's `consumers` header; without one it may be for every group. */
function mayBeFor(group: string, { headers }: LogRecord): boolean {
  const consumers = headers['consumers']
  return consumers === undefined || consumers.split(',').some((name) => name.trim() === group)
}
