import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { Type } from 'typebox'
import { createServer, type HttpServer } from './create-server.ts'
import type { CheckResult } from './health-routes.ts'
import { pageQuery } from './page.ts'
import { Problem } from './problem.ts'
import { closeServer, listen } from './running-service.ts'

const ID = '0190b2a4-0000-7000-8000-000000000000'
const JSON_TYPE = { 'content-type': 'application/json' }

interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

async function serving(t: TestContext, add: (app: HttpServer) => void = addRoutes, checks = {}) {
  const lines: string[] = []
  const app = createServer({
    name: 'test',
    logger: createLogger({
      service: 'test',
      level: 'warn',
      destination: { write: (line: string) => lines.push(line) },
    }),
    metrics: createMetrics('test'),
    readiness: () => Promise.resolve(checks as Record<string, CheckResult>),
  })
  add(app)
  const url = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(app, 100))
  const ask = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, { method, ...init })
    const text = await response.text()
    const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text }
    return { status: response.status, headers: response.headers, body }
  }
  return { app, url, ask, lines }
}

function addRoutes(app: HttpServer): void {
  const body = Type.Object({
    count: Type.Integer({ minimum: 1 }),
    inner: Type.Optional(Type.Object({ kind: Type.Union([Type.Literal('a'), Type.Literal('b')]) })),
    order: Type.Optional(Uuid),
    at: Type.Optional(Type.String({ format: 'date-time' })),
    name: Type.Optional(Type.String({ pattern: '^[a-z]+$', description: 'small letters only' })),
    other: Type.Optional(Type.String({ pattern: '^[0-9]+$' })),
    size: Type.Optional(Type.Enum(['s', 'm'])),
  })
  const params = Type.Object({ id: Type.String({ format: 'uuid' }) })
  app.post('/v1/things/:id', { schema: { body, params } }, (request, reply) =>
    reply.send({ count: request.body.count, id: request.params.id }),
  )
  app.post('/v1/exact', { config: { integers: 'bigint' } }, (request, reply) =>
    reply.send({ type: typeof (request.body as { n: unknown }).n }),
  )
  app.post(
    '/v1/large',
    { bodyLimit: 1_000_000, schema: { body: Type.Unknown() } },
    (_request, reply) => reply.send({ ok: true }),
  )
  app.get('/v1/things', { schema: { querystring: pageQuery } }, (request, reply) =>
    reply.send(request.query),
  )
  app.get('/v1/bug', () => {
    throw new Error('SELECT secret FROM /etc/passwd')
  })
  app.get('/v1/fault', () => {
    throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' })
  })
  app.get('/v1/overloaded', () => {
    throw Object.assign(new Error('full'), { code: 'OVERLOADED', retryable: true })
  })
  app.get('/v1/refused', () => {
    throw new Problem('ORDER_ALREADY_PAID', 'the order is paid', { members: { payment_id: ID } })
  })
}

function assertProblem(answer: Answer, status: number, code: string, detail?: RegExp): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const { type, title, trace_id: traceId, ...body } = answer.body
  assert.equal(body.status, status)
  assert.equal(body.code, code)
  assert.equal(type, `https://caudal.dev/errors/${code.toLowerCase().replaceAll('_', '-')}`)
  assert.ok(typeof title === 'string' && title.length > 0)
  assert.equal(traceId, answer.headers.get('traceparent')?.slice(3, 35))
  assert.match(String(body.detail), detail ?? /./)
  assert.equal(typeof body.detail, 'string')
}

test('a valid request is answered with its trace and safe headers', async (t) => {
  const { ask } = await serving(t)
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const answer = await ask('POST', `/v1/things/${ID}`, {
    headers: { ...JSON_TYPE, traceparent: parent },
    body: '{"count":1}',
  })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, { count: 1, id: ID })
  assert.match(answer.headers.get('traceparent') ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-/)
  assert.notEqual(answer.headers.get('traceparent'), parent)
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(answer.headers.get('cache-control'), 'no-store')
})

test('invalid bodies are refused with the name of the member', async (t) => {
  const { ask } = await serving(t)
  const refusals: Array<[string, RegExp]> = [
    ['{}', /count is required/],
    ['{"count":"1"}', /count must be integer/],
    ['{"count":0}', /count must be at least 1/],
    ['{"count":1,"extra":1}', /unknown member extra/],
    ['{"count":1,"inner":{"kind":"a","extra":1}}', /unknown member inner\.extra/],
    ['{"count":1,"inner":{"kind":"c"}}', /inner\.kind is not one of the allowed values/],
    ['{"count":1,"order":"42"}', /order must be a UUID \(RFC 9562\)$/],
    [`{"count":1,"order":"${ID.replace('-7', '-0')}"}`, /order must be a UUID/],
    ['{"count":1,"at":"now"}', /at must be a time such as 2026/],
    ['{"count":1,"name":"A"}', /name must be small letters only$/],
    ['{"count":1,"other":"A"}', /other has the wrong form$/],
    ['{"count":1,"size":"xl"}', /size is not one of the allowed values$/],
    ['{"count":1,"<script>\\n":1}', /unknown member \?script\?\?$/],
    ['{"count":1,"count":1}', /duplicate/],
    ['[]', /must be object/],
    ['', /not valid JSON/],
    ['['.repeat(1_000), /nested deeper/],
  ]
  for (const [body, detail] of refusals) {
    const answer = await ask('POST', `/v1/things/${ID}`, { headers: JSON_TYPE, body })
    assertProblem(answer, 400, 'MALFORMED_REQUEST', detail)
  }
  assertProblem(await ask('POST', `/v1/things/${ID}`), 400, 'MALFORMED_REQUEST')
  const invalidUtf8 = Buffer.from([0x7b, 0xff, 0x7d])
  assertProblem(
    await ask('POST', `/v1/things/${ID}`, { headers: JSON_TYPE, body: invalidUtf8 }),
    400,
    'MALFORMED_REQUEST',
    /UTF-8/,
  )
})

test('large bodies, other content types and unknown ids have their own codes', async (t) => {
  const { ask } = await serving(t)
  const body = `"${'x'.repeat(500_000)}"`
  const large = await ask('POST', `/v1/things/${ID}`, { headers: JSON_TYPE, body })
  assertProblem(large, 413, 'BODY_TOO_LARGE')
  assert.equal((await ask('POST', '/v1/large', { headers: JSON_TYPE, body })).status, 200)
  for (const type of ['text/plain', 'application/jsonx', 'application/x-www-form-urlencoded']) {
    const headers = { 'content-type': type }
    const answer = await ask('POST', `/v1/things/${ID}`, { headers, body: '{"count":1}' })
    assertProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE')
  }
  for (const charset of ['iso-8859-1', '"utf-16"', '']) {
    const headers = { 'content-type': `application/json; charset=${charset}` }
    const answer = await ask('POST', `/v1/things/${ID}`, { headers, body: '{"count":1}' })
    assertProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', /UTF-8/)
  }
  const utf8 = { 'content-type': 'application/json; charset="UTF-8"' }
  const accepted = await ask('POST', `/v1/things/${ID}`, { headers: utf8, body: '{"count":1}' })
  assert.equal(accepted.status, 200)
  const junk = await ask('POST', '/v1/things/junk', { headers: JSON_TYPE, body: '{"count":1}' })
  assertProblem(junk, 400, 'MALFORMED_REQUEST', /path: id/)
})

test('any RFC 9562 UUID is accepted, including nil and max', async (t) => {
  const { ask } = await serving(t)
  const special = ['0', 'f', 'F'].map((one) => ID.replaceAll(/[^-]/g, one))
  for (const order of [ID, ID.toUpperCase(), ...special]) {
    const body = JSON.stringify({ count: 1, order })
    const answer = await ask('POST', `/v1/things/${ID}`, { headers: JSON_TYPE, body })
    assert.equal(answer.status, 200, order)
  }
})

test('HEAD answers as GET does, without the body', async (t) => {
  const { url, ask } = await serving(t)
  for (const path of ['/v1/things?limit=7', '/v1/things?limit=0', '/v1/refused', '/healthz']) {
    const [get, head] = await Promise.all([ask('GET', path), ask('HEAD', path)])
    assert.equal(head.status, get.status)
    for (const name of ['content-type', 'content-length', 'cache-control']) {
      assert.equal(head.headers.get(name), get.headers.get(name), `${path} ${name}`)
    }
  }
  const head = await raw(url, 'HEAD /v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  assert.match(head, /^HTTP\/1\.1 200 [^]*\r\n\r\n$/)
  const wrong = await ask('PUT', '/v1/things')
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD')
})

test('a parameter that the route does not have is refused with the nearest known', async (t) => {
  const { ask } = await serving(t)
  const refusals: Array<[string, string]> = [
    ['/v1/things?Limit=7', 'unknown parameter Limit, did you mean limit?'],
    ['/v1/things?limit=7&curser=a', 'unknown parameter curser, did you mean cursor?'],
    ['/v1/things?l%0Aimit=7', 'unknown parameter l?imit, did you mean limit?'],
    ['/v1/things?as_of=1', 'unknown parameter as_of, known are limit, cursor'],
    [`/v1/things?${'x'.repeat(500)}=1`, `unknown parameter ${'x'.repeat(64)}, known are limit,`],
    ['/v1/things?__proto__=1', 'unknown parameter __proto__, known are limit, cursor'],
  ]
  for (const [path, detail] of refusals) {
    const answer = await ask('GET', path)
    assertProblem(answer, 400, 'MALFORMED_REQUEST')
    assert.ok(String(answer.body['detail']).startsWith(`query: ${detail}`), path)
  }
  assert.equal((await ask('GET', '/v1/things?asOf=1')).body['param'], 'asOf')
  const written = await ask('POST', `/v1/things/${ID}?dry_run=true`, {
    headers: JSON_TYPE,
    body: '{"count":1}',
  })
  const detail = /^query: unknown parameter dry_run, this request takes none$/
  assertProblem(written, 400, 'MALFORMED_REQUEST', detail)
  // A scraper or a probe may have parameters of its own.
  assert.equal((await ask('GET', '/healthz?probe=1')).status, 200)
})

test('a limit is an integer from 1 to 100', async (t) => {
  const { ask } = await serving(t)
  assert.deepEqual((await ask('GET', '/v1/things')).body, { limit: 20 })
  assert.deepEqual((await ask('GET', '/v1/things?limit=7&cursor=abc')).body, {
    limit: 7,
    cursor: 'abc',
  })
  for (const limit of [
    '-5',
    '0',
    '101',
    '1.0',
    '1e1',
    '0x5',
    '05',
    '',
    '+5',
    '%205',
    '5&limit=6',
  ]) {
    const answer = await ask('GET', `/v1/things?limit=${limit}`)
    assertProblem(answer, 400, 'MALFORMED_REQUEST', /query: limit/)
    assert.equal(answer.body.param, 'limit')
  }
})

test('unknown paths get 404, other methods 405 with Allow, malformed paths 400', async (t) => {
  const { ask } = await serving(t)
  assertProblem(await ask('GET', '/v1/nothing'), 404, 'ROUTE_NOT_FOUND')
  assertProblem(await ask('POST', '/v1/nothing', { body: 'text' }), 404, 'ROUTE_NOT_FOUND')
  const wrong = await ask('DELETE', `/v1/things/${ID}`)
  assertProblem(wrong, 405, 'METHOD_NOT_ALLOWED')
  assert.equal(wrong.headers.get('allow'), 'POST')
  assertProblem(await ask('GET', '/v1%2Fthings'), 404, 'ROUTE_NOT_FOUND')
  assertProblem(await ask('GET', '/v1/things/%ZZ'), 400, 'MALFORMED_REQUEST')
  assertProblem(await ask('GET', '/v1//things'), 404, 'ROUTE_NOT_FOUND')
})

test('bugs get 500 without details, faults 503 with Retry-After, both logged with the trace', async (t) => {
  const { ask, lines } = await serving(t)
  const bug = await ask('GET', '/v1/bug')
  assertProblem(bug, 500, 'INTERNAL')
  assert.equal(bug.body.detail, bug.body.title)
  assert.ok(!JSON.stringify(bug.body).includes('SELECT'))
  const fault = await ask('GET', '/v1/fault')
  assertProblem(fault, 503, 'UNAVAILABLE')
  assert.equal(fault.headers.get('retry-after'), '1')
  assert.ok(!JSON.stringify(fault.body).includes('10.0.0.1'))
  const full = await ask('GET', '/v1/overloaded')
  assertProblem(full, 503, 'OVERLOADED')
  assert.equal(full.headers.get('retry-after'), '1')
  const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    logged.map((line) => [line.level, line.trace_id, line.route]),
    [
      ['error', bug.body.trace_id, '/v1/bug'],
      ['warn', fault.body.trace_id, '/v1/fault'],
    ],
  )
})

test('a problem that a handler throws keeps its members', async (t) => {
  const { ask } = await serving(t)
  const answer = await ask('GET', '/v1/refused')
  assertProblem(answer, 409, 'ORDER_ALREADY_PAID', /the order is paid/)
  assert.equal(answer.body.payment_id, ID)
})

test('F1: a route can read integers exactly', async (t) => {
  const { ask } = await serving(t)
  const body = '{"n":9223372036854775807}'
  const answer = await ask('POST', '/v1/exact', { headers: JSON_TYPE, body })
  assert.deepEqual(answer.body, { type: 'bigint' })
})

test('malformed HTTP gets a problem document, and long headers get 431', async (t) => {
  const { url } = await serving(t)
  assert.match(await raw(url, 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n'), /MALFORMED_REQUEST/)
  const bad = await raw(url, 'NONSENSE\r\n\r\n')
  assert.match(bad, /^HTTP\/1\.1 400 /)
  assert.match(bad, /application\/problem\+json/)
  const hostless = await raw(url, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')
  assert.match(hostless, /^HTTP\/1\.1 400 [^]*MALFORMED_REQUEST/)
  const long = `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`
  assert.match(await raw(url, long), /^HTTP\/1\.1 431 [^]*HEADERS_TOO_LARGE/)
  const expecting = 'GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\n\r\n'
  assert.match(await raw(url, expecting), /^HTTP\/1\.1 400 [^]*MALFORMED_REQUEST/)
  const smuggled =
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n'
  assert.match(await raw(url, smuggled), /^HTTP\/1\.1 400 /)
})

test('readiness names each check: a failure gives 503, a warning gives degraded', async (t) => {
  const ok = await serving(t, addRoutes, { database: { status: 'ok' } })
  assert.deepEqual(await ok.ask('GET', '/readyz').then(({ status, body }) => [status, body]), [
    200,
    { status: 'ok', checks: { database: { status: 'ok' } } },
  ])
  const warned = await serving(t, addRoutes, { parked: { status: 'warn', detail: '3 parked' } })
  const degraded = await warned.ask('GET', '/readyz')
  assert.deepEqual([degraded.status, degraded.body.status], [200, 'degraded'])
  const failing = await serving(t, addRoutes, { database: { status: 'fail' } })
  const unavailable = await failing.ask('GET', '/readyz')
  assert.deepEqual([unavailable.status, unavailable.body.status], [503, 'unavailable'])
  assert.equal((await failing.ask('GET', '/healthz')).status, 200)
})

test('P13: requests are counted by route and status class, unknown paths together', async (t) => {
  const { ask } = await serving(t)
  await ask('GET', '/v1/things')
  await ask('GET', '/v1/things?limit=0')
  await ask('GET', `/v1/${'x'.repeat(50)}`)
  const text = String((await ask('GET', '/metrics')).body.text)
  assert.match(text, counted('route="/v1/things",method="GET",status_class="2xx"'))
  assert.match(text, counted('route="/v1/things",method="GET",status_class="4xx"'))
  assert.match(text, counted('route="unknown",method="any",status_class="4xx"'))
  assert.match(text, /http_request_duration_seconds_bucket\{le="0\.001",.*route="\/v1\/things"/)
  assert.match(text, /http_open_connections\{service="test"\} [1-9]/)
})

test('P13: the OpenAPI document describes the routes and their problems', async (t) => {
  const { ask } = await serving(t)
  const { body } = await ask('GET', '/openapi.json')
  assert.equal(body.openapi, '3.1.0')
  const paths = body.paths as Record<string, Record<string, unknown>>
  assert.ok(!('/metrics' in paths))
  const text = JSON.stringify(paths['/v1/things/{id}']?.post)
  assert.match(text, /"additionalProperties":false/)
  assert.match(text, /application\/problem\+json/)
  assert.match(JSON.stringify(paths['/v1/things']?.get), /"name":"limit","required":false/)
})

test('a stop waits for requests in flight and aborts those that do not end', async (t) => {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const { app, ask } = await serving(t, (server) => {
    server.get('/v1/slow', async (_request, reply) => {
      arrived.resolve()
      await gate.promise
      return reply.send({ done: true })
    })
    server.get('/v1/never', () => new Promise(() => {}))
  })
  const slow = ask('GET', '/v1/slow')
  const never = ask('GET', '/v1/never')
  await arrived.promise
  const closing = closeServer(app, 300)
  gate.resolve()
  assert.deepEqual((await slow).body, { done: true })
  await assert.rejects(never)
  await closing
})

function counted(labels: string): RegExp {
  return new RegExp(`http_requests_total\\{${labels}.*\\} 1\\n`)
}

async function raw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.end(text)
  await once(socket, 'close')
  return answer
}
