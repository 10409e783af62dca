import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { resetConnection } from '@caudal/http/reset-connection.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { accept, assertProblem, KEY, PAYMENT_ID, startTestGateway } from './start-test-gateway.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('P1: a payment is forwarded with an id, a trace and its own bytes', async (t) => {
  const { seen, pay } = await startTestGateway(t)
  const body = '{ "external_order_id" :\t"x", "x": 1e2 }'
  const answer = await pay({ body })
  assert.equal(answer.status, 202)
  assert.equal(answer.text, '{ "payment_id" : "as it was written" }')
  assert.equal(answer.headers.get('location'), `/api/v1/payments/${PAYMENT_ID}`)
  assert.equal(answer.headers.get('idempotency-replayed'), 'true')
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.equal(answer.headers.get('x-internal-host'), null)
  const [inner] = seen
  assert.equal(`${inner?.method} ${inner?.url}`, 'POST /v1/payments')
  assert.equal(inner?.body.toString(), body)
  assert.equal(inner?.headers['idempotency-key'], KEY)
  assert.match(String(inner?.headers['x-payment-id']), UUID_V7)
  const [outerTrace, innerTrace] = [answer.headers.get('traceparent'), inner?.headers.traceparent]
  assert.equal(String(innerTrace).slice(0, 36), outerTrace?.slice(0, 36))
  assert.notEqual(innerTrace, outerTrace)
})

test('F1: an X-Trace-Id becomes the trace of the inner request', async (t) => {
  const { seen, pay, ask } = await startTestGateway(t)
  const headers = { 'x-trace-id': 'tr_a1b2' }
  const answers = [await pay({ headers }), await ask('GET', '/api/v1/wallet', { headers })]
  for (const [index, answer] of answers.entries()) {
    assert.equal(answer.headers.get('x-trace-id'), 'tr_a1b2')
    const trace = answer.headers.get('traceparent')?.slice(0, 36)
    // The first 16 bytes of the SHA-256 of tr_a1b2.
    assert.equal(trace, '00-961f63d9b61dc7f2a99f0448561c980c-')
    const inner = seen[index]?.headers
    assert.equal(String(inner?.traceparent).slice(0, 36), trace)
    assert.equal(
      inner?.['x-trace-id'],
      undefined,
      'the inner request has the trace in traceparent only',
    )
  }
})

test('P1: the five routes reach their services with an unchanged query', async (t) => {
  const { seen, ask } = await startTestGateway(t)
  await ask('GET', '/api/v1/payments?limit=-1&cursor=%ZZ')
  await ask('GET', `/api/v1/payments/${PAYMENT_ID}`)
  await ask('GET', '/api/v1/wallet')
  await ask('GET', '/api/v1/wallet/entries?account_id=a&limit=5')
  assert.deepEqual(
    seen.map(({ method, url }) => `${method} ${url}`),
    [
      'GET /v1/payments?limit=-1&cursor=%ZZ',
      `GET /v1/payments/${PAYMENT_ID}`,
      'GET /v1/wallet',
      'GET /v1/wallet/entries?account_id=a&limit=5',
    ],
  )
})

test('P1: a request with an unknown query parameter reaches no service', async (t) => {
  const { seen, ask } = await startTestGateway(t)
  for (const path of [
    'payments?x=1',
    `payments/${PAYMENT_ID}?limit=1`,
    'wallet?x=/v1/wallet/credit',
  ]) {
    assertProblem(await ask('GET', `/api/v1/${path}`), 400, 'MALFORMED_REQUEST')
  }
  assert.equal(seen.length, 0)
})

test('P1: HEAD is forwarded as GET and answered without a body', async (t) => {
  const { seen, ask } = await startTestGateway(t)
  const got = await ask('GET', '/api/v1/wallet')
  const head = await ask('HEAD', '/api/v1/wallet')
  assert.deepEqual([head.status, head.text], [got.status, ''])
  assert.equal(head.headers.get('content-length'), String(got.text.length))
  assert.deepEqual(
    seen.map(({ method, url }) => `${method} ${url}`),
    ['GET /v1/wallet', 'GET /v1/wallet'],
  )
})

test('F13: a service that is down, hangs, disconnects or sends too much causes 503 with Retry-After', async (t) => {
  const { ask, stopPeer, lines } = await startTestGateway(
    t,
    { CAUDAL_GATEWAY_PEER_TIMEOUT: '200ms' },
    (request, response) => {
      if (request.url === '/v1/payments') return
      if (request.url === '/v1/wallet') {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"half":')
        setImmediate(() => response.destroy())
      } else {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(Buffer.alloc(5 * 1024 * 1024, ' '))
      }
    },
  )
  for (const path of ['/api/v1/payments', '/api/v1/wallet', '/api/v1/wallet/entries']) {
    const answer = await ask('GET', path)
    assertProblem(answer, 503, 'UNAVAILABLE')
    assert.equal(answer.headers.get('retry-after'), '1')
  }
  stopPeer()
  assertProblem(await ask('GET', '/api/v1/wallet'), 503, 'UNAVAILABLE')
  const warned = lines.filter((line) => line.includes('"level":"warn"'))
  assert.equal(warned.length, 2, 'one line for each service')
})

test('F13: a request on a broken connection is retried once, with the same payment id', async (t) => {
  let broken = false
  const { pay, seen } = await startTestGateway(t, {}, (request, response) => {
    if (broken) return accept(request, response)
    broken = true
    resetConnection(request.socket)
    return undefined
  })
  assert.equal((await pay()).status, 202)
  assert.equal(seen.length, 2)
  assert.equal(seen[0]?.headers['x-payment-id'], seen[1]?.headers['x-payment-id'])
})

test('F7: a full queue for a service is OVERLOADED, and another tenant has a place in it', async (t) => {
  const held: ServerResponse[] = []
  const { ask, issuer } = await startTestGateway(
    t,
    { CAUDAL_GATEWAY_PEER_MAX_PENDING: '4' },
    (_request, response) => void held.push(response),
  )
  const waiting = [1, 2, 3].map(() => ask('GET', '/api/v1/wallet'))
  await eventually(() => held.length === 3)
  const refused = await ask('GET', '/api/v1/wallet')
  assertProblem(refused, 503, 'OVERLOADED')
  assert.equal(refused.headers.get('retry-after'), '1')
  const bearer = await issuer.sign({ tenant_id: 'other' })
  waiting.push(ask('GET', '/api/v1/wallet', { bearer }))
  await eventually(() => held.length === 4)
  for (const response of held) response.end('{}')
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200)
})

test('a service that refuses the gateway’s token does not make the caller’s token bad', async (t) => {
  const { ask } = await startTestGateway(t, {}, (_request, response) =>
    response.writeHead(401).end(),
  )
  assertProblem(await ask('GET', '/api/v1/wallet'), 503, 'UNAVAILABLE')
})

test('problems of a service are returned unchanged', async (t) => {
  const problem = '{"code":"ORDER_ALREADY_PAID","status":409,"trace_id":"of the first request"}'
  const { pay } = await startTestGateway(t, {}, (_request, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' }).end(problem)
  })
  const answer = await pay()
  assert.equal(answer.status, 409)
  assert.equal(answer.text, problem)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
})

test('P13: the OpenAPI document has the public routes and no other', async (t) => {
  const { ask } = await startTestGateway(t)
  const { paths } = JSON.parse((await ask('GET', '/openapi.json')).text) as {
    paths: Record<string, object>
  }
  const operations = Object.entries(paths).map(([path, methods]) => [path, Object.keys(methods)])
  assert.deepEqual(Object.fromEntries(operations), {
    '/api/v1/payments': ['post', 'get'],
    '/api/v1/payments/{payment_id}': ['get'],
    '/api/v1/payments/{payment_id}/cancel': ['post'],
    '/api/v1/payments/{payment_id}/refunds': ['post', 'get'],
    '/api/v1/payments/{payment_id}/returns': ['get'],
    '/api/v1/refunds/{refund_id}': ['get'],
    '/api/v1/refunds/{refund_id}/cancel': ['post'],
    '/api/v1/wallet': ['get'],
    '/api/v1/wallet/entries': ['get'],
    '/callbacks/{psp}/{psp_account}': ['post'],
  })
  const { post } = paths['/api/v1/payments'] as {
    post: { parameters: { name: string }[]; responses: Record<string, object> }
  }
  const names = post.parameters.map(({ name }) => name)
  assert.deepEqual(names, ['idempotency-key', 'x-trace-id', 'traceparent'])
  assert.match(JSON.stringify(post.responses['409']), /ORDER_ALREADY_PAID/)
  assert.match(JSON.stringify(post.responses['429']), /RATE_LIMITED.*retry-after/)
})
