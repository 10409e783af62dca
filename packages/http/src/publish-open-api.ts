import fastifySwagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'

interface QuerySchema {
  required?: string[]
  properties?: Record<string, { default?: unknown }>
}

const PROBLEM = Type.Object({
  type: Type.String({ format: 'uri' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  code: Type.String(),
  trace_id: Type.String(),
})

/**
 * Serves `/openapi.json` (OpenAPI 3.1), made from the schemas of the routes declared after this
 * call; any of them may answer a problem.
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
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    reply.send(app.swagger()),
  )
}

function transform({ schema, url }: { schema: FastifySchema; url: string }): {
  schema: FastifySchema
  url: string
} {
  const problem = {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: PROBLEM } },
  }
  const response = { ...(schema?.response as object | undefined), default: problem }
  const { querystring, body } = schema ?? {}
  return {
    schema: {
      ...schema,
      response,
      ...(querystring === undefined ? {} : { querystring: optionalDefaults(querystring) }),
      ...(body === undefined ? {} : { body: exactIntegers(body) }),
    },
    url,
  }
}

// What is a bigint for the handler is an integer on the wire.
function exactIntegers(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exactIntegers)
  if (typeof schema !== 'object' || schema === null) return schema
  const members = Object.entries(schema).map(([name, value]) => [name, exactIntegers(value)])
  const shown = Object.fromEntries(members) as Record<string, unknown>
  return shown['type'] === 'bigint' ? { ...shown, type: 'integer', format: 'int64' } : shown
}

// A parameter with a default is always there for the handler, but the caller may leave it out.
function optionalDefaults(schema: unknown): unknown {
  const { required = [], properties = {}, ...rest } = schema as QuerySchema
  const demanded = required.filter((name) => properties[name]?.default === undefined)
  return { ...rest, properties, required: demanded }
}
