import type { CaudalEvent } from './events.ts'

// In V8 since Node 22, but not in TypeScript's library yet.
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON: (text: string) => object }

/** JSON integers have no upper bound, JavaScript's numbers do: a bigint is written as it is. */
function exactInteger(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(value.toString()) : value
}

/** The event as the JSON text that goes into the outbox and the log. */
export function serializeEvent(event: CaudalEvent): string {
  return event.event_type.startsWith('wallet.')
    ? JSON.stringify(event, exactInteger)
    : JSON.stringify(event)
}
