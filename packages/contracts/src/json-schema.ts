import type { EventRow } from './event-row.ts'

/** A JSON Schema as plain JSON. */
export type JsonSchema = {
  type?: string
  const?: unknown
  enum?: unknown[]
  pattern?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  [annotation: string]: unknown
}

/**
 * The JSON Schema of one type of event. A schema that several types share lists all of them in
 * `event_type`; here it names the one, so that a further type changes no other's schema.
 */
export function jsonSchemaOf(type: string, { schema }: EventRow): JsonSchema {
  const plain = JSON.parse(JSON.stringify(schema)) as JsonSchema
  return {
    ...plain,
    properties: { ...plain.properties, event_type: { type: 'string', const: type } },
  }
}
