import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { Type } from 'typebox'
import { createServer, type HttpServer } from './create-server.ts'

/** A server that is asked without a socket. */
function serving(add: (app: HttpServer) => void) {
  const logger = createLogger({ service: 'test', level: 'silent' })
  const app = createServer({ name: 'test', logger, metrics: createMetrics('test') })
  add(app)
  return async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const answer = await app.inject({ method, url, ...(payload && { payload }) })
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
  }
}

interface Operation {
  parameters: { name: string; in: string; required: boolean }[]
  requestBody: { content: Record<string, { schema: { properties: Record<string, object> } }> }
  responses: Record<
    string,
    {
      headers: Record<string, object>
      content: Record<string, { schema: { properties: Record<string, { examples?: string[] }> } }>
    }
  >
}

test('P13: a body that a handler reads itself is described, and validated only there', async () => {
  const ask = serving((app) => {
    const schema = {
      readHeaders: { 'x-key': Type.String(), 'x-more': Type.Optional(Type.String()) },
      body: Type.Object({ items: Type.Array(Type.Unknown()) }),
      readBody: Type.Object({ items: Type.Array(Type.Object({ n: Type.BigInt() })) }),
      answerHeaders: { 'x-again': Type.String() },
      problems: ['IDEMPOTENCY_MISMATCH', 'INSUFFICIENT_FUNDS', 'HISTORY_DETACHED'] as const,
      problemMembers: { HISTORY_DETACHED: { kept_from: Type.String() } },
      response: { 200: Type.Object({ ok: Type.Boolean() }) },
      security: [{ bearer: [] }],
    }
    app.post('/v1/by-hand', { schema }, (_request, reply) => reply.send({ ok: true }))
  })
  assert.equal((await ask('POST', '/v1/by-hand', { items: ['anything'] })).status, 200)
  const { paths } = (await ask('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, Operation>>
  }
  const { parameters, requestBody, responses } = paths['/v1/by-hand']!['post']!
  assert.deepEqual(
    parameters.map((it) => [it.in, it.name, it.required]),
    [
      ['header', 'x-key', true],
      ['header', 'x-more', false],
      ['header', 'x-trace-id', false],
      ['header', 'traceparent', false],
    ],
  )
  const { items } = requestBody.content['application/json']!.schema.properties
  assert.match(
    JSON.stringify(items),
    /"n":\{"type":"integer","format":"int64"\}.*Properties":false/,
  )
  const codes = Object.entries(responses).map(([status, { content }]) => {
    const { schema } = content['application/problem+json'] ?? {}
    return [status, schema?.properties['code']?.examples ?? []]
  })
  assert.deepEqual(Object.fromEntries(codes), {
    200: [],
    400: ['MALFORMED_REQUEST'],
    401: ['UNAUTHENTICATED'],
    403: ['FORBIDDEN'],
    410: ['HISTORY_DETACHED'],
    413: ['BODY_TOO_LARGE'],
    415: ['UNSUPPORTED_MEDIA_TYPE'],
    422: ['IDEMPOTENCY_MISMATCH', 'INSUFFICIENT_FUNDS'],
    431: ['HEADERS_TOO_LARGE'],
    500: ['INTERNAL'],
    503: ['UNAVAILABLE', 'OVERLOADED'],
    default: [],
  })
  assert.ok('x-again' in responses['200']!.headers && 'traceparent' in responses['200']!.headers)
  const detached = responses['410']!.content['application/problem+json']!.schema.properties
  assert.ok('kept_from' in detached && 'trace_id' in detached)
})

test('P13: bounds of 64 bits are validated and published with all their digits', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' })
  const server = createServer({ name: 'test', logger, metrics: createMetrics('test') })
  const body = Type.Object({ n: Type.BigInt({ minimum: 1n, maximum: 2n ** 63n - 1n }) })
  server.post('/v1/exact', { schema: { body } }, (_request, reply) => reply.send({}))
  const { body: text } = await server.inject({ url: '/openapi.json' })
  const integer = '"type":"integer","minimum":1,"maximum":9223372036854775807,"format":"int64"'
  assert.ok(text.includes(integer), text)
})

test("a path that is a route's own is never the parameter of another route", async () => {
  const ask = serving((app) => {
    const params = Type.Object({ id: Type.String({ format: 'uuid' }) })
    app.get('/v1/things/:id', { schema: { params } }, (_request, reply) => reply.send({}))
    app.post('/v1/things/lookup', (_request, reply) => reply.send({}))
  })
  const wrong = await ask('GET', '/v1/things/lookup')
  assert.deepEqual([wrong.status, wrong.body['detail']], [405, 'allowed here: POST'])
  assert.equal((await ask('GET', '/v1/things/lookups')).status, 400)
  assert.equal((await ask('POST', '/v1/things/lookup', {})).status, 200)
})
