import { Compile, type Validator } from 'typebox/compile'
import { CATALOGUE, type CaudalEvent } from './catalogue.ts'
import type { EventRow, StoredEvent } from './event-row.ts'
import { upcastEvent } from './upcast-event.ts'

/**
 * An event in the form of this release. `newerPatch`: a later release wrote it and may have added
 * members, which this release ignores.
 */
export type ReadableEvent = { kind: 'event'; event: CaudalEvent; newerPatch: boolean }
/** Not an event, for a reason that a later release cannot change either (rule 11). */
export type UnreadableEvent = { kind: 'unreadable'; type: string | undefined; cause: string }
/** An event of a later release: its type (`knownType` false), or a version of it, is unknown. */
export type NewerEvent = { kind: 'newer'; type: string; knownType: boolean; cause: string }

export type ParsedEvent = ReadableEvent | UnreadableEvent | NewerEvent

/** Reads the JSON value of a log record. */
export type ParseEvent = (value: string) => ParsedEvent

/** A row with the compiled validator of its schema. */
type Entry = { row: EventRow; validator: Validator }

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/

/**
 * Reads the JSON value of a log record as an event, and brings one of an older version to the form
 * of this release (F12). Unknown members are kept and ignored. Whatever a later release may have
 * written is `newer`, never unreadable.
 */
export const parseEvent: ParseEvent = createParser(CATALOGUE)

/** The parser of a catalogue: that of this release, or of another one in tests. */
export function createParser(catalogue: Readonly<Record<string, EventRow>>): ParseEvent {
  const entries: ReadonlyMap<string, Entry> = new Map(
    Object.entries(catalogue).map(([type, row]) => [type, { row, validator: Compile(row.schema) }]),
  )
  return (value) => {
    let stored: StoredEvent
    try {
      stored = JSON.parse(value) as StoredEvent
    } catch {
      return { kind: 'unreadable', type: undefined, cause: 'the value is not JSON' }
    }
    if (typeof stored !== 'object' || stored === null) {
      return { kind: 'unreadable', type: undefined, cause: 'the value is not a JSON object' }
    }
    const { event_type: type } = stored
    if (typeof type !== 'string') {
      return { kind: 'unreadable', type: undefined, cause: 'event_type is missing' }
    }
    const entry = entries.get(type)
    if (entry !== undefined) return readVersion(stored, type, entry)
    const cause = `this release does not know the event type ${type}`
    return { kind: 'newer', type, knownType: false, cause }
  }
}

function readVersion(stored: StoredEvent, type: string, { row, validator }: Entry): ParsedEvent {
  const { schema_version: version } = stored
  if (version === row.version && validator.Check(stored)) {
    return { kind: 'event', event: stored as CaudalEvent, newerPatch: false }
  }
  const written = VERSION.exec(typeof version === 'string' ? version : '')
  if (written === null) {
    const cause = `${type}: schema_version is missing or has the wrong form`
    return { kind: 'unreadable', type, cause }
  }
  const distance = compareVersions(written[0], row.version)
  const newer: NewerEvent = {
    kind: 'newer',
    type,
    knownType: true,
    cause: `${type}: this release reads schema_version ${row.version}, not ${written[0]}`,
  }
  if (distance === 'newer') return newer
  const newerPatch = distance === 'newer_patch'
  const event = upcastEvent(stored, written[0], row)
  if (validator.Check(event)) return { kind: 'event', event: event as CaudalEvent, newerPatch }
  if (newerPatch) return newer
  const [first] = validator.Errors(event)
  const where = first ? `${first.instancePath} ${first.message}` : 'does not match its schema'
  return { kind: 'unreadable', type, cause: `${type}: ${where}` }
}

/**
 * How a version relates to the one that this release reads. A newer patch only adds members that
 * may be ignored, so it is read as if it were known.
 */
function compareVersions(written: string, known: string): 'newer' | 'newer_patch' | 'known' {
  const knownParts = known.split('.').map(Number)
  const [major, minor, patch] = written.split('.').map((part, index) => {
    return Number(part) - knownParts[index]!
  })
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
