import { findRow } from './catalogue.ts'
import type { EventRow, StoredEvent } from './event-row.ts'

/** Applies the upcasts of all minor versions since the one that was written. */
export function upcastEvent(stored: StoredEvent, version: string, row: EventRow): StoredEvent {
  const [major, minor] = version.split('.').map(Number)
  const known = Number(row.version.split('.')[0])
  const steps = major === known ? row.upcasts.slice(minor) : row.upcasts
  return steps.reduce((before, upcast) => upcast(before, row), stored)
}

// In V8, but not in TypeScript's library yet.
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON: (text: string) => object }
const parseWith = JSON.parse as (text: string, reviver: Reviver) => StoredEvent

/** An integer beyond 2^53 stays as it is written. */
const exactly: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined
    ? rawJson(source)
    : value

/**
 * A stored event as JSON text in the form of this release, for readers that hand the text on, such
 * as a rebuild in SQL. Nothing is validated; a type or version that is not older is unchanged.
 */
export function upcastText(value: string): string {
  const { event_type: type, schema_version: version } = JSON.parse(value) as StoredEvent
  const row = typeof type === 'string' ? findRow(type) : undefined
  if (row === undefined || typeof version !== 'string' || !isOlder(version, row)) return value
  return JSON.stringify(upcastEvent(parseWith(value, exactly), version, row))
}

function isOlder(version: string, row: EventRow): boolean {
  const [major, minor] = version.split('.').map(Number)
  const [knownMajor, knownMinor] = row.version.split('.').map(Number)
  return major! < knownMajor! || (major === knownMajor && minor! < knownMinor!)
}
