import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { accept, assertProblem, startTestGateway } from './start-test-gateway.ts'

const PATH = '/callbacks/main/shop-1'
const SIGNED = { 'x-gateway-signature': 't=1,v1=aa', 'x-timestamp': '1', 'x-signature': 'kid;x' }

test('P15: a callback passes without a token, and its signed bytes and headers are unchanged', async (t) => {
  const { ask, seen } = await startTestGateway(t)
  const bodies = ['{ "b": 1,\n"b" : 2 }', 'ref=1&state=settled', Buffer.from([0xff, 0x00, 0x0a])]
  const types = ['application/json', 'application/x-www-form-urlencoded', 'text/xml; charset=x']
  for (const [index, body] of bodies.entries()) {
    const headers = { ...SIGNED, 'content-type': types[index]! }
    const answer = await ask('POST', PATH, { bearer: null, headers, body })
    assert.equal(answer.status, 202)
    assert.equal(answer.text, '{ "payment_id" : "as it was written" }')
    assert.deepEqual(seen[index]?.body, Buffer.from(body))
    assert.equal(seen[index]?.url, PATH)
    assert.equal(seen[index]?.headers['content-type'], types[index])
    for (const [name, value] of Object.entries(SIGNED)) {
      assert.equal(seen[index]?.headers[name], value)
    }
  }
})

test('P15: what a caller claims about itself does not pass with a callback', async (t) => {
  const { ask, seen } = await startTestGateway(t)
  const headers = {
    cookie: 'session=1',
    forwarded: 'for=10.0.0.1',
    'x-forwarded-for': '10.0.0.1',
    'content-type': 'application/json',
  }
  await ask('POST', PATH, { headers, body: '{}' })
  const names = Object.keys(seen[0]?.headers ?? {})
  for (const name of ['authorization', 'cookie', 'forwarded', 'x-forwarded-for']) {
    assert.ok(!names.includes(name), name)
  }
})

test('P15: refusals of the processor reach the PSP as they are', async (t) => {
  let status = 401
  const refuse = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url !== PATH) accept(request, response)
    else response.writeHead(status, { 'content-type': 'application/problem+json' }).end('{"a":1}')
  }
  const { ask, stopPeer } = await startTestGateway(t, {}, refuse)
  for (status of [401, 404, 503]) {
    const answer = await ask('POST', PATH, { bearer: null, body: '{}' })
    assert.deepEqual([answer.status, answer.text], [status, '{"a":1}'])
  }
  stopPeer()
  assertProblem(await ask('POST', PATH, { bearer: null, body: '{}' }), 503, 'UNAVAILABLE')
})

test('P15: callbacks have a rate of their own', async (t) => {
  const rate = {
    CAUDAL_GATEWAY_CALLBACK_RATE_PER_SECOND: '1',
    CAUDAL_GATEWAY_CALLBACK_RATE_BURST: '2',
  }
  const { ask, pay } = await startTestGateway(t, rate)
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => ask('POST', PATH, { bearer: null, body: '{}' })),
  )
  const statuses = answers.map((answer) => answer.status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [202, 202, 429, 429])
  const limited = answers.find((answer) => answer.status === 429)!
  assertProblem(limited, 429, 'RATE_LIMITED')
  assert.ok(Number(limited.headers.get('retry-after')) >= 1)
  assert.equal((await pay()).status, 202, 'users are not limited by callbacks')
})

test('P15: a callback beyond the limit of its body is refused, and so are other names and methods', async (t) => {
  const limit = { CAUDAL_GATEWAY_CALLBACK_BODY_LIMIT_BYTES: '1000' }
  const { ask, seen } = await startTestGateway(t, limit)
  const large = await ask('POST', PATH, { bearer: null, body: 'x'.repeat(1_001) })
  assertProblem(large, 413, 'BODY_TOO_LARGE')
  for (const name of ['Main', 'a%2Fb', '..%2Fv1', 'a'.repeat(65), '%00']) {
    const answer = await ask('POST', `/callbacks/main/${name}`, { bearer: null, body: '{}' })
    assertProblem(answer, 404, 'PSP_NOT_FOUND')
  }
  assertProblem(await ask('GET', PATH, { bearer: null }), 405, 'METHOD_NOT_ALLOWED')
  const unknown = await ask('POST', '/callbacks/main', { bearer: null, body: '{}' })
  assertProblem(unknown, 404, 'ROUTE_NOT_FOUND')
  assert.equal(seen.length, 0)
})
