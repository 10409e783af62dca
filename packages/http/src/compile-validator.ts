import type { FastifySchemaCompiler } from 'fastify'
import { Compile } from 'typebox/compile'
import type { TLocalizedValidationError } from 'typebox/error'
import { Problem } from './problem.ts'
import { safeName } from './safe-name.ts'

interface JsonSchema {
  type?: string
  properties?: Record<string, JsonSchema>
  additionalProperties?: unknown
  default?: unknown
  [keyword: string]: unknown
}

/** A longer list of values is described. */
const MOST_VALUES_LISTED = 32
const CLEAN_INTEGER = /^(0|-?[1-9]\d{0,15})$/
const FORMATS: Record<string, string> = {
  uuid: 'must be a UUID (RFC 9562)',
  'date-time': 'must be a time such as 2026-01-31T12:00:00Z (RFC 3339)',
}
const PLACES: Record<string, string> = { querystring: 'query', params: 'path' }

/**
 * Compiles the schema of a route for fastify. Bodies are not changed: nothing is converted, filled
 * in or removed. Query and path values are text: integers and booleans are parsed, defaults are
 * filled in. Unknown names have been refused before (`refuseUnknownQuery`).
 */
export const compileValidator: FastifySchemaCompiler<JsonSchema> = ({ schema, httpPart }) => {
  const part = httpPart ?? 'body'
  const validator = Compile(schema)
  const fromText = part === 'querystring' || part === 'params' ? schema.properties : undefined
  return (input: unknown) => {
    const value = fromText === undefined ? input : readTexts(fromText, input)
    if (validator.Check(value)) return { value }
    const errors = validator.Errors(value)
    return { error: new Problem('MALFORMED_REQUEST', ...explain(part, errors, schema)) }
  }
}

/** Refuses unknown members in every object of a body's schema that does not allow them. */
export function closeObjects(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closeObjects)
  if (typeof schema !== 'object' || schema === null) return schema
  const closed: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) closed[keyword] = closeObjects(value)
  const names = 'properties' in closed || 'patternProperties' in closed
  if (closed.type === 'object' && names) closed.additionalProperties ??= false
  return closed
}

function readTexts(properties: Record<string, JsonSchema>, input: unknown): unknown {
  const texts = (input ?? {}) as Record<string, unknown>
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(properties)) {
    const text = texts[name]
    if (text === undefined) {
      if (schema.default !== undefined) values[name] = schema.default
    } else {
      values[name] = readText(schema.type, text)
    }
  }
  return values
}

// A value that cannot be parsed stays text; the schema then refuses it by name.
function readText(type: string | undefined, text: unknown): unknown {
  if (typeof text !== 'string') return text
  if (type === 'integer' && CLEAN_INTEGER.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function explain(
  part: string,
  errors: TLocalizedValidationError[],
  schema: JsonSchema,
): [string, { members: { param?: string } }] {
  const place = PLACES[part] ?? part
  const error = mostTelling(errors)
  if (error === undefined) return [`the ${place} is not acceptable`, { members: {} }]
  const path = error.instancePath.split('/').slice(1)
  if (error.keyword === 'additionalProperties') {
    const name = safeName([...path, String(error.params.additionalProperties[0])].join('.'))
    return [`${place}: unknown member ${name}`, { members: { param: name } }]
  }
  if (error.keyword === 'required') {
    const name = safeName([...path, String(error.params.requiredProperties[0])].join('.'))
    return [`${place}: ${name} is required`, { members: { param: name } }]
  }
  const reason = reasonOf(error, schema)
  if (path.length === 0) return [`the ${place} ${reason}`, { members: {} }]
  const name = safeName(path.join('.'))
  return [`${place}: ${name} ${reason}`, { members: { param: name } }]
}

/** Describes the error in words, because the name of a pattern or format does not help a client. */
function reasonOf(error: TLocalizedValidationError, schema: JsonSchema): string {
  switch (error.keyword) {
    case 'enum': {
      const isLong = error.params.allowedValues.length > MOST_VALUES_LISTED
      const wanted = isLong ? describedAt(schema, error.schemaPath) : undefined
      return wanted === undefined ? 'is not one of the allowed values' : `must be ${wanted}`
    }
    case 'anyOf':
    case 'const':
      return 'is not one of the allowed values'
    case 'minimum':
      return `must be at least ${error.params.limit}`
    case 'maximum':
      return `must be at most ${error.params.limit}`
    case 'format':
      return FORMATS[error.params.format] ?? 'has the wrong form'
    case 'pattern': {
      const wanted = describedAt(schema, error.schemaPath)
      return wanted === undefined ? 'has the wrong form' : `must be ${wanted}`
    }
    default:
      return error.message
  }
}

/** The description of the schema that a path such as `#/properties/currency` leads to. */
function describedAt(schema: JsonSchema, schemaPath: string): string | undefined {
  let place: unknown = schema
  for (const name of schemaPath.split('/').slice(1)) {
    place = (place as Record<string, unknown> | undefined)?.[name]
  }
  const { description } = (place ?? {}) as { description?: unknown }
  return typeof description === 'string' ? description : undefined
}

// An unknown member also reports its own "schema is false", an anyOf every branch that failed.
function mostTelling(errors: TLocalizedValidationError[]): TLocalizedValidationError | undefined {
  const telling = errors.filter((error) => error.keyword !== 'boolean')
  const first = telling[0] ?? errors[0]
  return (
    telling.find(
      (error) => error.keyword === 'anyOf' && first?.instancePath.startsWith(error.instancePath),
    ) ?? first
  )
}
