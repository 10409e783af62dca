import { type CaudalEvent, schemaVersionOf } from './catalogue.ts'
import { exactInteger } from './exact-integer.ts'

/**
 * The event as the JSON text that goes into the outbox and the log. Its `schema_version` is that of
 * its own type in the catalogue, also where the emitter took the version of a related type.
 */
export function serializeEvent(emitted: CaudalEvent): string {
  const schema_version = schemaVersionOf(emitted.event_type)
  const event = emitted.schema_version === schema_version ? emitted : { ...emitted, schema_version }
  if (!('amount_minor' in event)) return JSON.stringify(event)
  // Named one by one: a replacer function would be called for every member of every event.
  return JSON.stringify({
    ...event,
    amount_minor: exactInteger(event.amount_minor),
    available_minor: exactInteger(event.available_minor),
    held_minor: exactInteger(event.held_minor),
  })
}
