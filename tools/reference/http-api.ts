import { ERROR_CODES, type ErrorCode } from '@caudal/contracts/error-codes.ts'
import type { JsonSchema } from '@caudal/contracts/json-schema.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openApiText } from '@caudal/http/publish-open-api.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { HTTP_INTRODUCTION, UNDESCRIBED_ROUTES } from './http-introduction.ts'
import type { ReferenceDocument } from './reference-document.ts'
import { SERVICE_ROUTES, type ServiceRoutes } from './service-routes.ts'

interface Parameter {
  in: string
  name: string
  required?: boolean
  description?: string
  schema: JsonSchema
}

interface Answer {
  headers?: Record<string, { schema: JsonSchema; description?: string }>
  content?: Record<string, { schema: JsonSchema }>
}

interface Operation {
  summary?: string
  description?: string
  security?: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: Answer
  responses: Record<string, Answer>
}

interface Described {
  paths: Record<string, Record<string, Operation>>
  /** Routes that the OpenAPI document leaves out: `GET /jwks`. */
  undescribed: string[]
}

const OF_EVERY_ROUTE = new Set(['traceparent', 'x-trace-id'])

/** `docs/reference/http-api.md`: every route of every service, from its OpenAPI document. */
export async function httpApi(): Promise<ReferenceDocument> {
  const sections = SERVICE_ROUTES.map(async (routes) => {
    const { paths, undescribed } = await describe(routes)
    const operations = Object.entries(paths).flatMap(([path, byMethod]) =>
      Object.entries(byMethod).map(([method, operation]) => showRoute(method, path, operation)),
    )
    return [`## ${routes.service}`, ...operations, ...showUndescribed(undescribed)].join('\n\n')
  })
  const text = [HTTP_INTRODUCTION, ...(await Promise.all(sections))].join('\n\n')
  return { path: 'docs/reference/http-api.md', text: `${text}\n` }
}

/** Adds the routes to a server that never listens, and reads what it would publish. */
async function describe({ service, add }: ServiceRoutes): Promise<Described> {
  const logger = createLogger({ service, level: 'silent' })
  const app = createServer({ name: service, logger, metrics: createMetrics(service) })
  const undescribed: string[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.hide === true && method !== 'HEAD') undescribed.push(`${String(method)} ${url}`)
  })
  for (const addRoutes of add) addRoutes(app)
  await app.ready()
  const text = openApiText(app)
  await app.close()
  const { paths } = JSON.parse(text) as Pick<Described, 'paths'>
  return { paths, undescribed }
}

function showRoute(method: string, path: string, operation: Operation): string {
  const { summary, description, responses } = operation
  return [
    `### \`${method.toUpperCase()} ${path}\``,
    ...[summary, description].flatMap((text) => (text === undefined ? [] : [asSentence(text)])),
    `Access: ${accessOf(operation)}.`,
    ...showRequest(operation),
    ...Object.entries(responses)
      .filter(([status]) => status.startsWith('2'))
      .map(([status, answer]) => showAnswer(status, answer)),
    ...showProblems(responses),
  ].join('\n\n')
}

function accessOf({ security = [] }: Operation): string {
  if (security.length === 0) return 'no token'
  const scopes = security.flatMap((requirement) => Object.values(requirement).flat())
  return scopes.length === 0
    ? 'bearer token'
    : `bearer token, scope ${scopes.map(code).join(' or ')}`
}

function showRequest({ parameters = [], requestBody }: Operation): string[] {
  const given = parameters.filter(({ name }) => !OF_EVERY_ROUTE.has(name))
  const lines = [
    ...given.map(({ in: place, name, required = false, schema, description }) =>
      row(code(name), place, formOf(schema), yesOrNo(required), meaningOf(schema, description)),
    ),
    ...membersOf(schemaOf(requestBody), '').map(({ path, schema, required }) =>
      row(code(path), 'body', formOf(schema), yesOrNo(required), meaningOf(schema)),
    ),
  ]
  return lines.length === 0 ? [] : [table(['Request', 'In', 'Type', 'Required', 'Meaning'], lines)]
}

function showAnswer(status: string, answer: Answer): string {
  const headers = Object.entries(answer.headers ?? {}).filter(([name]) => !OF_EVERY_ROUTE.has(name))
  const lines = [
    ...headers.map(([name, { schema, description }]) =>
      row(code(name), 'header', formOf(schema), 'no', meaningOf(schema, description)),
    ),
    ...membersOf(schemaOf(answer), '').map(({ path, schema, required }) =>
      row(code(path), 'body', formOf(schema), yesOrNo(required), meaningOf(schema)),
    ),
  ]
  const heads = [`Answer ${status}`, 'In', 'Type', 'Always', 'Meaning']
  return lines.length === 0 ? `Answer ${status}.` : table(heads, lines)
}

/** Members that a problem has beyond those of all follow its codes. */
function showProblems(responses: Record<string, Answer>): string[] {
  const lines = Object.entries(responses).flatMap(([status, answer]) => {
    const { properties = {} } = schemaOf(answer) ?? {}
    const codes = (properties['code']?.['examples'] ?? []) as string[]
    const known = codes.filter((one): one is ErrorCode => one in ERROR_CODES)
    const members = Object.keys(properties).filter((name) => !OF_EVERY_PROBLEM.has(name))
    return known.length === 0
      ? []
      : [row(status, known.map(code).join(', '), members.map(code).join(', ') || '–')]
  })
  return lines.length === 0 ? [] : [table(['Problem', 'Codes', 'More members'], lines)]
}

const OF_EVERY_PROBLEM = new Set(['type', 'title', 'status', 'code', 'detail', 'trace_id'])

function showUndescribed(routes: readonly string[]): string[] {
  if (routes.length === 0) return []
  const lines = routes.map((route) => {
    const meaning = UNDESCRIBED_ROUTES.get(route)
    if (meaning === undefined) throw new Error(`say in http-introduction.ts what ${route} is for`)
    return row(code(route), meaning)
  })
  return ['### Outside the OpenAPI document', table(['Route', 'Meaning'], lines)]
}

interface Member {
  path: string
  schema: JsonSchema
  required: boolean
}

/** The members of an object, with those of nested objects and lists by their path. */
function membersOf(schema: JsonSchema | undefined, prefix: string): Member[] {
  if (schema === undefined) return []
  if (schema.anyOf) return membersOfForms(schema.anyOf, prefix)
  if (schema.items) return membersOf(schema.items, `${prefix.replace(/\.$/, '')}[].`)
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).flatMap(([name, member]) => [
    { path: `${prefix}${name}`, schema: member, required: required.includes(name) },
    ...membersOf(member, `${prefix}${name}.`),
  ])
}

/** The members of an object that has several forms; required are those that every form requires. */
function membersOfForms(forms: readonly JsonSchema[], prefix: string): Member[] {
  const objects = forms.map((form) => membersOf(form, prefix)).filter(({ length }) => length > 0)
  const byPath = Map.groupBy(objects.flat(), ({ path }) => path)
  return [...byPath].map(([path, same]) => {
    const isOfObject = !/[.[]/.test(path.slice(prefix.length))
    return {
      path,
      schema: eitherOf(same.map(({ schema }) => schema)),
      required:
        same.every(({ required }) => required) && (!isOfObject || same.length === objects.length),
    }
  })
}

/** Forms that read the same are one. */
function eitherOf(schemas: readonly JsonSchema[]): JsonSchema {
  const [first, ...others] = new Map(schemas.map((schema) => [formOf(schema), schema])).values()
  if (others.length === 0) return first!
  const { description } = first!
  return { anyOf: [first!, ...others], ...(description !== undefined && { description }) }
}

function formOf(schema: JsonSchema): string {
  const { type, anyOf, items, format, enum: values } = schema
  if (schema.const !== undefined) return code(plain(schema.const))
  if (values) return values.map((value) => code(plain(value))).join(', ')
  if (anyOf) return [...new Set(anyOf.map(formOf))].join(' or ')
  if (items) {
    return `list of ${formOf(items)}${boundsOf(schema.minItems, schema.maxItems, ' items')}`
  }
  if (type === 'string') return textForm(schema)
  if (type === 'integer' || type === 'number') {
    const { minimum, maximum } = schema
    return `${type}${format === 'int64' ? ' (64 bits)' : ''}${boundsOf(minimum, maximum)}`
  }
  return type ?? 'any'
}

function textForm({ format, pattern, minLength, maxLength }: JsonSchema): string {
  if (format === 'uuid') return 'UUID'
  if (format === 'date-time') return 'time'
  // A vertical bar would end the cell of the table.
  if (pattern !== undefined && !pattern.includes('|')) return `text, \`${pattern}\``
  return `text${boundsOf(minLength, maxLength, ' characters')}`
}

function boundsOf(least: number | undefined, most: number | undefined, unit = ''): string {
  if (least === undefined && most === undefined) return ''
  if (least === most) return `, ${least}${unit}`
  if (most === undefined) return `, at least ${least}${unit}`
  return least === undefined ? `, at most ${most}${unit}` : `, ${least} to ${most}${unit}`
}

function meaningOf(schema: JsonSchema, description = schema['description']): string {
  const initial = schema['default'] === undefined ? [] : [`Default: ${plain(schema['default'])}.`]
  const described = typeof description === 'string' ? [asSentence(description)] : []
  return [...described, ...initial].join(' ').replaceAll('|', String.raw`\|`) || '–'
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function schemaOf(content: Answer | undefined): JsonSchema | undefined {
  return Object.values(content?.content ?? {})[0]?.schema
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

function table(heads: readonly string[], lines: readonly string[]): string {
  return [row(...heads), `|${'---|'.repeat(heads.length)}`, ...lines].join('\n')
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

function code(text: string): string {
  return `\`${text}\``
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
