import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { exactInteger } from '@caudal/contracts/exact-integer.ts'
import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { type TProperties, Type } from 'typebox'
import { closeObjects } from './compile-validator.ts'
import { describeProblems, type ProblemMembers } from './describe-problems.ts'

declare module 'fastify' {
  /** What a route's handler reads and answers itself: documented here, validated by the handler. */
  interface FastifySchema {
    readHeaders?: TProperties
    /** The documented body, if the handler validates more than its schema does. */
    readBody?: unknown
    answerHeaders?: TProperties
    /** Codes of the handler; those of every route are added. */
    problems?: readonly ErrorCode[]
    problemMembers?: ProblemMembers
  }
}

interface QuerySchema {
  required?: string[]
  properties?: Record<string, { default?: unknown }>
}

const TRACE_HEADERS = {
  'x-trace-id': Type.Optional(
    Type.String({
      description:
        'Identifies the trace if there is no valid traceparent: 1 to 128 visible ASCII ' +
        'characters; any other is ignored.',
    }),
  ),
  traceparent: Type.Optional(
    Type.String({ description: 'W3C Trace Context. The request continues this trace.' }),
  ),
}
const TRACE_ANSWER_HEADERS = {
  traceparent: Type.String({ description: 'The trace of this request (W3C Trace Context).' }),
  'x-trace-id': Type.String({
    description: 'The X-Trace-Id of the request, if it identified the trace.',
  }),
}

/**
 * Makes the OpenAPI document (3.1), which `app.swagger()` returns, from the schemas of the routes
 * declared after this call, with the headers and the problems of each.
 */
export function publishOpenApi(app: FastifyInstance, title: string, version: string): void {
  const openapi = {
    openapi: '3.1.0',
    info: { title: `Caudal ${title}`, version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  } as const
  // Called, not registered: a registered plugin would load after the caller's routes are declared.
  fastifySwagger(app, { openapi, convertConstToEnum: false, transform }, (error) => {
    if (error !== undefined) throw error
  })
}

function transform({ schema, url }: { schema: FastifySchema; url: string }): {
  schema: FastifySchema
  url: string
} {
  const {
    querystring,
    body,
    readBody,
    readHeaders,
    headers = Type.Object({}),
    response,
    answerHeaders,
    problems = [],
    problemMembers: members = {},
    ...rest
  } = schema ?? {}
  const { properties } = headers as { properties: TProperties }
  const route = { hasBody: body !== undefined, hasToken: rest.security !== undefined }
  const shownHeaders = { ...TRACE_ANSWER_HEADERS, ...answerHeaders }
  return {
    schema: {
      ...rest,
      headers: Type.Object({ ...properties, ...readHeaders, ...TRACE_HEADERS }),
      response: withProblems(
        withHeaders(response, shownHeaders),
        describeProblems({ ...route, problems, members }, shownHeaders),
      ),
      ...(querystring === undefined ? {} : { querystring: optionalDefaults(querystring) }),
      ...(body === undefined ? {} : { body: exactIntegers(closeObjects(readBody ?? body)) }),
    },
    url,
  }
}

type Described = Record<string, { content?: object; headers?: object }>

/** An answer may share its status with problems: its content then stands beside theirs. */
function withProblems(answers: Described, problems: Described): Described {
  const shared = Object.entries(answers).flatMap(([status, { headers: _, ...schema }]) => {
    const problem = problems[status]
    if (problem === undefined) return []
    const content = { 'application/json': { schema }, ...problem.content }
    return [[status, { ...problem, content }] as const]
  })
  return { ...answers, ...problems, ...Object.fromEntries(shared) }
}

function withHeaders(response: unknown, headers: TProperties): Described {
  const answers = Object.entries((response ?? {}) as Record<string, object>)
  return Object.fromEntries(answers.map(([status, schema]) => [status, { ...schema, headers }]))
}

/** The document as JSON. Bounds of 64 bits are written with all their digits. */
export function openApiText(app: FastifyInstance): string {
  return JSON.stringify(app.swagger(), (_name, value: unknown) =>
    typeof value === 'bigint' ? exactInteger(value) : value,
  )
}

// A bigint of the handler is an integer on the wire.
function exactIntegers(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exactIntegers)
  if (typeof schema !== 'object' || schema === null) return schema
  const members = Object.entries(schema).map(([name, value]) => [name, exactIntegers(value)])
  const shown = Object.fromEntries(members) as Record<string, unknown>
  return shown['type'] === 'bigint' ? { ...shown, type: 'integer', format: 'int64' } : shown
}

// A parameter with a default always has a value for the handler; the caller may omit it.
function optionalDefaults(schema: unknown): unknown {
  const { required = [], properties = {}, ...rest } = schema as QuerySchema
  const demanded = required.filter((name) => properties[name]?.default === undefined)
  return { ...rest, properties, required: demanded }
}
