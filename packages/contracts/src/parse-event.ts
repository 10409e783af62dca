import { Compile, type Validator } from 'typebox/compile'
import { CATALOGUE, type CaudalEvent, findRow } from './catalogue.ts'
import type { EventRow, StoredEvent } from './event-row.ts'

/** One compiled validator for each type of event. */
const VALIDATORS: ReadonlyMap<string, Validator> = new Map(
  Object.entries(CATALOGUE).map(([type, { schema }]) => [type, Compile(schema)]),
)

/** An event of this release, in its current form. */
export type ReadableEvent = { kind: 'event'; event: CaudalEvent }
/** Not an event, for a reason that a later release cannot change either (rule 11). */
export type UnreadableEvent = { kind: 'unreadable'; type: string | undefined; cause: string }
/** An event of a later release: its type, or a version of it, is unknown here (rule 11). */
export type NewerEvent = { kind: 'newer'; type: string; cause: string }

export type ParsedEvent = ReadableEvent | UnreadableEvent | NewerEvent

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/

/**
 * Reads the JSON value of a log record as an event, and brings one of an older version to the form
 * of this release (F12). Unknown members are kept and ignored. Whatever a later release may have
 * written is `newer`, never unreadable.
 */
export function parseEvent(value: string): ParsedEvent {
  let stored: StoredEvent
  try {
    stored = JSON.parse(value) as StoredEvent
  } catch {
    return { kind: 'unreadable', type: undefined, cause: 'the value is not JSON' }
  }
  if (typeof stored !== 'object' || stored === null) {
    return { kind: 'unreadable', type: undefined, cause: 'the value is not a JSON object' }
  }
  const { event_type: type, schema_version: version } = stored
  if (typeof type !== 'string') {
    return { kind: 'unreadable', type: undefined, cause: 'event_type is missing' }
  }
  const row = findRow(type)
  if (row === undefined) {
    return { kind: 'newer', type, cause: `this release does not know the event type ${type}` }
  }
  return readVersion(stored, { type, version, row })
}

function readVersion(
  stored: StoredEvent,
  { type, version, row }: { type: string; version: unknown; row: EventRow },
): ParsedEvent {
  const written = VERSION.exec(typeof version === 'string' ? version : '')
  const known = VERSION.exec(row.version)!
  if (written === null) {
    const cause = `${type}: schema_version is missing or has the wrong form`
    return { kind: 'unreadable', type, cause }
  }
  const distance = compare(written, known)
  const newer: NewerEvent = {
    kind: 'newer',
    type,
    cause: `${type}: this release reads schema_version ${row.version}, not ${written[0]}`,
  }
  if (distance === 'newer') return newer
  const steps = written[1] === known[1] ? row.upcasts.slice(Number(written[2])) : row.upcasts
  const event = steps.reduce((before, upcast) => upcast(before, row), stored)
  const validator = VALIDATORS.get(type)!
  if (validator.Check(event)) return { kind: 'event', event: event as CaudalEvent }
  if (distance === 'newer_patch') return newer
  const [first] = validator.Errors(event)
  const where = first ? `${first.instancePath} ${first.message}` : 'does not match its schema'
  return { kind: 'unreadable', type, cause: `${type}: ${where}` }
}

/** A newer patch only adds members that may be ignored, so it is read as if it were known. */
function compare(
  written: RegExpExecArray,
  known: RegExpExecArray,
): 'newer' | 'newer_patch' | 'known' {
  const [major, minor, patch] = [1, 2, 3].map((part) => Number(written[part]) - Number(known[part]))
  if (major! > 0 || (major === 0 && minor! > 0)) return 'newer'
  return major === 0 && minor === 0 && patch! > 0 ? 'newer_patch' : 'known'
}

/**
 * The event in a value that this release must be able to read.
 *
 * @throws {TypeError} if it is not an event of this release
 */
export function readEvent(value: string): CaudalEvent {
  const parsed = parseEvent(value)
  if (parsed.kind !== 'event') throw new TypeError(parsed.cause)
  return parsed.event
}
