import { type CaudalEvent, schemaVersionOf } from './catalogue.ts'

// In V8 since Node 22, but not in TypeScript's library yet.
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON: (text: string) => object }

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * JSON integers have no upper bound, JavaScript's numbers do: an amount as JSON.stringify writes it
 * exactly.
 */
export function exactInteger(value: bigint): unknown {
  return value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : rawJson(value.toString())
}

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
