/** What the largest document of a schema takes. */
export interface Size {
  bytes: number
  /** Members, items and containers. */
  values: number
}

interface Schema {
  type?: string
  format?: string
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly Schema[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  maxProperties?: number
  items?: Schema
  maxItems?: number
  maxLength?: number
  pattern?: string
}

/** Characters of a text whose schema sets no limit; ids and names are far shorter. */
const TEXT_CHARACTERS = 1_024
/** Of a character that is written as an escape. */
const BYTES_PER_CHARACTER = 6
const NUMBER_BYTES = 24
const WORD_BYTES = 5
/** A name's quotes and colon, and a comma. */
const MEMBER_BYTES = 4
/** Brackets. */
const CONTAINER_BYTES = 2
/** The quantifier that ends a pattern such as `^[a-z]{1,64}$`. */
const LAST_QUANTIFIER = /^\^\[[^\]]*\]\{\d+,(\d+)\}\$$/
const FORMAT_CHARACTERS: Readonly<Record<string, number>> = { uuid: 36, 'date-time': 64 }

/**
 * The size of the largest document that a JSON schema accepts, written without blanks; undefined if
 * the schema sets no limit (an unlimited list, or anything at all).
 */
export function sizeOfSchema(jsonSchema: unknown): Size | undefined {
  const schema = jsonSchema as Schema
  const { anyOf, enum: listed, const: only, type } = schema
  if (anyOf !== undefined) return largest(anyOf.map(sizeOfSchema))
  if (listed !== undefined) return largest(listed.map(sizeOfConstant))
  if (only !== undefined) return sizeOfConstant(only)
  switch (type) {
    case 'string':
      return { bytes: charactersOf(schema) * BYTES_PER_CHARACTER + CONTAINER_BYTES, values: 1 }
    case 'integer':
    case 'number':
    case 'bigint':
      return { bytes: NUMBER_BYTES, values: 1 }
    case 'boolean':
    case 'null':
      return { bytes: WORD_BYTES, values: 1 }
    case 'array':
      return sizeOfList(schema)
    case 'object':
      return sizeOfObject(schema)
    default:
      return undefined
  }
}

function charactersOf({ format, maxLength, pattern }: Schema): number {
  const formatted = format === undefined ? undefined : FORMAT_CHARACTERS[format]
  const counted = pattern === undefined ? undefined : LAST_QUANTIFIER.exec(pattern)?.[1]
  return maxLength ?? formatted ?? (counted === undefined ? TEXT_CHARACTERS : Number(counted))
}

function sizeOfConstant(value: unknown): Size {
  return { bytes: Buffer.byteLength(JSON.stringify(value)), values: 1 }
}

function sizeOfList({ items, maxItems }: Schema): Size | undefined {
  if (maxItems === undefined || items === undefined) return undefined
  const item = sizeOfSchema(items)
  if (item === undefined) return undefined
  const bytes = CONTAINER_BYTES + maxItems * (item.bytes + 1)
  return { bytes, values: 1 + maxItems * item.values }
}

function sizeOfObject(schema: Schema): Size | undefined {
  const { properties } = schema
  if (properties === undefined) return sizeOfRecord(schema)
  const size: Size = { bytes: CONTAINER_BYTES, values: 1 }
  for (const [name, schema] of Object.entries(properties)) {
    const member = sizeOfSchema(schema)
    if (member === undefined) return undefined
    size.bytes += Buffer.byteLength(name) + MEMBER_BYTES + member.bytes
    size.values += member.values
  }
  return size
}

/** Members with names of the sender's own choice. */
function sizeOfRecord({ patternProperties = {}, maxProperties }: Schema): Size | undefined {
  const member = largest(Object.values(patternProperties).map(sizeOfSchema))
  if (member === undefined || maxProperties === undefined) return undefined
  const name = TEXT_CHARACTERS * BYTES_PER_CHARACTER + MEMBER_BYTES
  const bytes = CONTAINER_BYTES + maxProperties * (name + member.bytes)
  return { bytes, values: 1 + maxProperties * member.values }
}

function largest(sizes: readonly (Size | undefined)[]): Size | undefined {
  const known = sizes.filter((size) => size !== undefined)
  if (known.length < sizes.length || known.length === 0) return undefined
  return {
    bytes: Math.max(...known.map(({ bytes }) => bytes)),
    values: Math.max(...known.map(({ values }) => values)),
  }
}
