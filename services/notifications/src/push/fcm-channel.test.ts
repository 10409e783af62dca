import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { resetConnection } from '@caudal/http/reset-connection.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Content } from '../domain/write-content.ts'
import { createFcmChannel, type FcmOptions } from './fcm-channel.ts'

type Sent = { path: string; authorization: string; body: { message: Record<string, unknown> } }
type Answer = (sent: Sent, response: ServerResponse) => void

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const content: Content = {
  id: '5f0c2c3e-0000-5000-8000-000000000001',
  title: 'Payment made',
  body: 'You paid 10.00 USD to Light.',
  data: { message_id: '5f0c2c3e-0000-5000-8000-000000000001', payment_id: 'p', user_id: 'u' },
  expiresAtMs: Date.now() + 60_000,
}

const ok: Answer = (_, response) => response.end('{"name":"projects/p/messages/1"}')

function refuse(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    const details = [{ '@type': 'x', errorCode: code }]
    response
      .writeHead(status, headers)
      .end(JSON.stringify({ error: { status: 'NOT_FOUND', details } }))
  }
}

/** FCM and its token endpoint; `answer` and `tokens` can be replaced while it runs. */
async function startFcm(t: TestContext, options: Partial<FcmOptions> = {}) {
  const fcm = {
    answer: ok,
    token: (issued: number, response: ServerResponse): unknown =>
      response.end(JSON.stringify({ access_token: `token-${issued}`, expires_in: 3_600 })),
    sent: [] as Sent[],
    tokensAsked: 0,
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await read(request)
    if (request.url === '/token') return void fcm.token((fcm.tokensAsked += 1), response)
    const { authorization = '' } = request.headers
    const sent = { path: request.url!, authorization, body: JSON.parse(text) as Sent['body'] }
    fcm.sent.push(sent)
    fcm.answer(sent, response)
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const channel = createFcmChannel({
    url,
    account: {
      project_id: 'shop',
      client_email: 'push@shop.example',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      token_uri: `${url}/token`,
    },
    connections: 8,
    timeoutMs: 2_000,
    ...options,
  })
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await channel.close()
  })
  return { fcm, channel, server }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('F10: text in an answer of FCM that is not an error code is not kept', async (t) => {
  const { fcm, channel } = await startFcm(t)
  for (const quoting of ['token 4111111111111111', 'a'.repeat(65), '']) {
    fcm.answer = refuse(503, quoting)
    assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'NOT_FOUND' })
  }
})

test('P6: FCM receives one request, whose collapse key a repeat shares', async (t) => {
  const { fcm, channel } = await startFcm(t)
  assert.deepEqual(await channel.send('device', content), { kind: 'delivered' })
  assert.deepEqual(await channel.send('device', content), { kind: 'delivered' })
  const [first, second] = fcm.sent
  assert.equal(first!.path, '/v1/projects/shop/messages:send')
  assert.equal(first!.authorization, 'Bearer token-1')
  const { android, ...rest } = first!.body.message as { android: Record<string, unknown> }
  assert.deepEqual(rest, {
    token: 'device',
    notification: { title: content.title, body: content.body },
    data: content.data,
  })
  assert.equal(android['collapse_key'], content.id)
  assert.deepEqual(android['notification'], { tag: content.id })
  assert.match(String(android['ttl']), /^(5\d|60)s$/)
  assert.deepEqual(second!.body.message['data'], first!.body.message['data'])
})

test('P6: only UNREGISTERED means that a device is dead', async (t) => {
  const { fcm, channel } = await startFcm(t)
  fcm.answer = refuse(404, 'UNREGISTERED')
  assert.deepEqual(await channel.send('d', content), { kind: 'dead_device', error: 'UNREGISTERED' })
  fcm.answer = refuse(403, 'SENDER_ID_MISMATCH')
  assert.equal((await channel.send('d', content)).kind, 'rejected')
  fcm.answer = refuse(400, 'INVALID_ARGUMENT')
  assert.equal((await channel.send('d', content)).kind, 'rejected')
})

test('P6: an error that is not about the notification or the device is retried', async (t) => {
  const { fcm, channel } = await startFcm(t)
  const passing: [number, string][] = [
    [500, 'INTERNAL'],
    [503, 'UNAVAILABLE'],
    [429, 'QUOTA_EXCEEDED'],
    [403, 'PERMISSION_DENIED'],
    [404, 'NOT_FOUND'],
  ]
  for (const [status, code] of passing) {
    fcm.answer = refuse(status, code)
    assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: code })
  }
  fcm.answer = (_, response) => response.writeHead(502).end('<html>')
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'HTTP_502' })
})

test('F13: Retry-After is honoured, in seconds or as a date', async (t) => {
  const { fcm, channel } = await startFcm(t)
  fcm.answer = refuse(429, 'QUOTA_EXCEEDED', { 'retry-after': '7' })
  assert.deepEqual(await channel.send('d', content), {
    kind: 'retry',
    error: 'QUOTA_EXCEEDED',
    afterMs: 7_000,
  })
  const date = new Date(Date.now() + 60_000).toUTCString()
  fcm.answer = refuse(503, 'UNAVAILABLE', { 'retry-after': date })
  const outcome = await channel.send('d', content)
  assert.ok(outcome.kind === 'retry' && outcome.afterMs! > 50_000 && outcome.afterMs! <= 60_000)
  fcm.answer = refuse(503, 'UNAVAILABLE', { 'retry-after': 'soon' })
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'UNAVAILABLE' })
})

test('F13: the timeout of a try includes the wait for a connection', async (t) => {
  const { fcm, channel } = await startFcm(t, { connections: 1, timeoutMs: 1_000 })
  await channel.send('d', content) // has the token
  fcm.answer = () => {}
  const startedAt = performance.now()
  const outcomes = await Promise.all([1, 2, 3].map(() => channel.send('d', content)))
  for (const outcome of outcomes) {
    assert.deepEqual(outcome, { kind: 'retry', error: 'NO_ANSWER_IN_TIME' })
  }
  assert.ok(performance.now() - startedAt < 2_500)
  fcm.answer = ok
  assert.deepEqual(await channel.send('d', content), { kind: 'delivered' })
})

test('F13: a caller that stops waiting ends the request', async (t) => {
  const { fcm, channel } = await startFcm(t, { timeoutMs: 600_000 })
  const stop = new AbortController()
  const closed = Promise.withResolvers<void>()
  fcm.answer = (_, response) => {
    response.once('close', closed.resolve)
    stop.abort(new Error('stopped'))
  }
  const outcome = await channel.send('d', content, stop.signal)
  assert.deepEqual(outcome, { kind: 'retry', error: 'stopped' })
  await closed.promise
})

test('P6: a connection that breaks leaves the outcome open', async (t) => {
  const { fcm, channel } = await startFcm(t)
  fcm.answer = (_, response) => resetConnection(response.socket!)
  const outcomes = await Promise.all([1, 2, 3].map(() => channel.send('d', content)))
  for (const outcome of outcomes) assert.equal(outcome.kind, 'retry')
  fcm.answer = ok
  assert.deepEqual(await channel.send('d', content), { kind: 'delivered' })
})

test('P6: a notification is retried while the push service is down', async (t) => {
  const { channel, server } = await startFcm(t)
  server.close()
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'ECONNREFUSED' })
})

test('P6: one access token serves all notifications, and a refused one is renewed once', async (t) => {
  const { fcm, channel } = await startFcm(t)
  await Promise.all([1, 2, 3, 4].map(() => channel.send('d', content)))
  assert.equal(fcm.tokensAsked, 1)
  fcm.answer = (sent, response) =>
    sent.authorization === 'Bearer token-2'
      ? ok(sent, response)
      : refuse(401, 'UNAUTHENTICATED')(sent, response)
  const refused = await Promise.all([1, 2, 3, 4].map(() => channel.send('d', content)))
  for (const outcome of refused) assert.equal(outcome.kind, 'retry')
  const sent = await Promise.all([1, 2, 3, 4].map(() => channel.send('d', content)))
  for (const outcome of sent) assert.equal(outcome.kind, 'delivered')
  assert.equal(fcm.tokensAsked, 2)
})

test('F13: while the token endpoint is down nothing is sent, and requests to it are limited', async (t) => {
  const { fcm, channel } = await startFcm(t)
  const issue = fcm.token
  fcm.token = (_, response) => response.writeHead(503).end()
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => channel.send('d', content)))
  for (const { kind } of outcomes) assert.equal(kind, 'retry')
  assert.equal((await channel.send('d', content)).kind, 'retry')
  assert.equal(fcm.tokensAsked, 1)
  assert.deepEqual(fcm.sent, [])
  fcm.token = issue
  await eventually(async () => (await channel.send('d', content)).kind === 'delivered')
})
