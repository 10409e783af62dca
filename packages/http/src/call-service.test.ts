import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { callService, ServiceCallError } from './call-service.ts'
import { createServiceTokenSource } from './service-token-source.ts'

async function peer(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => handle(request, response, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function never(): Promise<string> {
  return new Promise(() => {})
}

function oldThenNew({ renew = false } = {}): Promise<string> {
  return Promise.resolve(renew ? 'new' : 'old')
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

test('a call sends body, token and trace, and returns status and JSON', async (t) => {
  const url = await peer(t, (request, response, body) => {
    const { method, url: path, headers } = request
    const { authorization, traceparent } = headers
    answerJson(response, 201, { method, path, authorization, traceparent, body })
  })
  const answer = await callService({
    url,
    path: '/v1/orders/lookup',
    body: { orders: [] },
    getToken: () => Promise.resolve('t1'),
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  })
  assert.equal(answer.status, 201)
  assert.deepEqual(answer.body, {
    method: 'POST',
    path: '/v1/orders/lookup',
    authorization: 'Bearer t1',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    body: '{"orders":[]}',
  })
})

test('a refusal below 500 is an answer, 5xx and 429 are retryable faults', async (t) => {
  const url = await peer(t, (request, response) => {
    answerJson(response, Number(request.url?.slice(1)), { code: 'X' })
  })
  assert.deepEqual((await callService({ url, path: '/404' })).body, { code: 'X' })
  for (const status of [429, 500, 503]) {
    await assert.rejects(callService({ url, path: `/${status}` }), (error) => {
      return error instanceof ServiceCallError && error.status === status && isRetryable(error)
    })
  }
})

test('F13: a peer that hangs, resets, answers nonsense or is down causes a retryable fault', async (t) => {
  const url = await peer(t, (request, response) => {
    if (request.url === '/reset') request.socket.destroy()
    if (request.url === '/nonsense') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"half":')
    }
  })
  for (const path of ['/hang', '/reset', '/nonsense']) {
    await assert.rejects(callService({ url, path, timeoutMs: 200 }), isRetryable, path)
  }
  await assert.rejects(callService({ url: 'http://127.0.0.1:1', path: '/' }), isRetryable)
  await assert.rejects(callService({ url, path: '/', getToken: never, timeoutMs: 50 }), isRetryable)
})

test('a refused token is renewed once; a second refusal is a fault', async (t) => {
  let accepted = 'new'
  const url = await peer(t, (request, response) => {
    const granted = request.headers.authorization === `Bearer ${accepted}`
    answerJson(response, granted ? 200 : 401, {})
  })
  assert.equal((await callService({ url, path: '/', getToken: oldThenNew })).status, 200)
  accepted = 'another'
  await assert.rejects(callService({ url, path: '/', getToken: oldThenNew }), { status: 401 })
})

test('F14: concurrent callers share one token request, and tokens are renewed before they expire', async (t) => {
  let issued = 0
  let broken = false
  let nowMs = 0
  const seen: string[] = []
  const identityUrl = await peer(t, (request, response, body) => {
    seen.push(`${request.url} ${request.headers.authorization} ${body}`)
    if (broken) answerJson(response, 503, {})
    else answerJson(response, 200, { access_token: `token-${++issued}`, expires_in: 100 })
  })
  const getToken = createServiceTokenSource({
    tokenUrl: `${identityUrl}/token`,
    clientId: 'payments',
    clientSecret: 's:3/cret',
    scope: 'orders:read users:read',
    now: () => nowMs,
  })
  const first = await Promise.all(Array.from({ length: 20 }, () => getToken()))
  assert.deepEqual([...new Set(first)], ['token-1'])
  const basic = Buffer.from('payments:s%3A3%2Fcret').toString('base64')
  const form = 'grant_type=client_credentials&scope=orders%3Aread+users%3Aread'
  assert.deepEqual(seen, [`/token Basic ${basic} ${form}`])

  nowMs = 79_000
  assert.equal(await getToken(), 'token-1')
  nowMs = 81_000
  assert.equal(await getToken(), 'token-2')
  broken = true
  nowMs += 90_000
  assert.equal(await getToken(), 'token-2')
  nowMs += 20_000
  await assert.rejects(getToken(), isRetryable)
  broken = false
  assert.equal(await getToken(), 'token-3')
  assert.equal(await getToken({ renew: true }), 'token-4')
})
