import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Content } from '../domain/write-content.ts'
import { createApnsChannel } from './apns-channel.ts'

type Sent = { headers: IncomingHttpHeaders; body: Record<string, unknown> }
type Answer = (stream: ServerHttp2Stream, session: ServerHttp2Session) => void

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = {
  keyId: 'KEY1',
  teamId: 'TEAM1',
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}
const content: Content = {
  id: '5f0c2c3e-0000-5000-8000-000000000001',
  title: 'Payment made',
  body: 'You paid 10.00 USD to Light.',
  data: { message_id: '5f0c2c3e-0000-5000-8000-000000000001', payment_id: 'p', user_id: 'u' },
  expiresAtMs: 1_700_000_000_000,
}

const ok: Answer = (stream) => stream.respond({ ':status': 200 }, { endStream: true })

function refuse(status: number, reason: string, headers: Record<string, string> = {}): Answer {
  return (stream) => {
    stream.respond({ ':status': status, ...headers })
    stream.end(JSON.stringify({ reason }))
  }
}

function channelTo(t: TestContext, url: string, timeoutMs = 2_000) {
  const channel = createApnsChannel({ url, key, topic: 'example.shop', timeoutMs })
  t.after(() => channel.close())
  return channel
}

/** Apple's side; `answer` can be replaced while it runs. */
async function startApns(t: TestContext, settings: Settings = {}, timeoutMs?: number) {
  const apns = {
    answer: ok,
    sent: [] as Sent[],
    sessions: new Set<ServerHttp2Session>(),
    sessionsSeen: 0,
    streams: 0,
    mostStreams: 0,
    refusedStreams: 0,
  }
  const server = createServer({ settings })
  server.on('session', (session) => {
    apns.sessionsSeen += 1
    apns.sessions.add(session)
    session.on('close', () => apns.sessions.delete(session))
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    apns.streams += 1
    apns.mostStreams = Math.max(apns.mostStreams, apns.streams)
    stream.on('close', () => (apns.streams -= 1))
    stream.on('error', () => {})
    let text = ''
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    stream.on('end', () => {
      apns.sent.push({ headers, body: JSON.parse(text) as Sent['body'] })
      apns.answer(stream, stream.session as ServerHttp2Session)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const channel = channelTo(t, `http://127.0.0.1:${port}`, timeoutMs)
  t.after(() => {
    for (const session of apns.sessions) session.destroy()
    server.close()
  })
  const sendMany = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => channel.send(`device-${n}`, content)))
  return { apns, channel, sendMany, port }
}

test('P6: APNs receives one request, whose ids a repeat shares', async (t) => {
  const { apns, channel } = await startApns(t)
  assert.deepEqual(await channel.send('a/b', content), { kind: 'delivered' })
  assert.deepEqual(await channel.send('a/b', content), { kind: 'delivered' })
  const [first, second] = apns.sent
  assert.equal(first!.headers[':path'], '/3/device/a%2Fb')
  assert.match(first!.headers.authorization!, /^bearer ey/)
  assert.equal(first!.headers['apns-id'], content.id)
  assert.equal(first!.headers['apns-collapse-id'], content.id)
  assert.equal(first!.headers['apns-topic'], 'example.shop')
  assert.equal(first!.headers['apns-push-type'], 'alert')
  assert.equal(first!.headers['apns-expiration'], '1700000000')
  assert.deepEqual(first!.body, {
    aps: { alert: { title: content.title, body: content.body }, 'thread-id': content.id },
    ...content.data,
  })
  assert.deepEqual(second, first)
  assert.equal(apns.sessionsSeen, 1)
})

test('P6: a device that Apple reports as gone is dead', async (t) => {
  const { apns, channel } = await startApns(t)
  for (const reason of ['Unregistered', 'ExpiredToken']) {
    apns.answer = refuse(410, reason)
    assert.deepEqual(await channel.send('d', content), { kind: 'dead_device', error: reason })
  }
})

test('P6: a wrong topic or environment removes no device', async (t) => {
  const { apns, channel } = await startApns(t)
  for (const reason of ['BadDeviceToken', 'DeviceTokenNotForTopic', 'PayloadEmpty']) {
    apns.answer = refuse(400, reason)
    assert.deepEqual(await channel.send('d', content), { kind: 'rejected', error: reason })
  }
  apns.answer = refuse(400, 'TopicDisallowed')
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'TopicDisallowed' })
})

test('P6: an error that is not about the notification or the device is retried', async (t) => {
  const { apns, channel } = await startApns(t)
  const passing: [number, string][] = [
    [403, 'InvalidProviderToken'],
    [404, 'BadPath'],
    [429, 'TooManyRequests'],
    [500, 'InternalServerError'],
    [503, 'Shutdown'],
  ]
  for (const [status, reason] of passing) {
    apns.answer = refuse(status, reason)
    assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: reason })
  }
  apns.answer = refuse(429, 'TooManyRequests', { 'retry-after': '9' })
  assert.partialDeepStrictEqual(await channel.send('d', content), { afterMs: 9_000 })
})

test("P6: notifications in flight stay within Apple's limit, and none is refused for it", async (t) => {
  const { apns, sendMany } = await startApns(t, { maxConcurrentStreams: 3 })
  apns.answer = (stream) => setImmediate(() => ok(stream, stream.session as ServerHttp2Session))
  const outcomes = await sendMany(40)
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'delivered' })
  assert.equal(apns.sent.length, 40)
  assert.equal(apns.mostStreams, 3)
  assert.equal(apns.sessionsSeen, 1)
})

test('P6: a lost connection costs each notification in flight one try', async (t) => {
  const { apns, sendMany } = await startApns(t)
  let received = 0
  apns.answer = (_, session) => {
    received += 1
    if (received === 50) session.destroy()
  }
  const lost = await sendMany(50)
  for (const { kind } of lost) assert.equal(kind, 'retry')
  apns.answer = ok
  const outcomes = await sendMany(50)
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'delivered' })
  assert.equal(apns.sessionsSeen, 2)
})

test('P6: a reset stream costs only its own notification a try', async (t) => {
  const { apns, channel, sendMany } = await startApns(t)
  apns.answer = (stream) => stream.close(2)
  assert.equal((await channel.send('d', content)).kind, 'retry')
  apns.answer = ok
  await sendMany(2)
  assert.equal(apns.sessionsSeen, 1)
})

test('P6: after GOAWAY new notifications use a new connection, and those in flight end', async (t) => {
  const { apns, channel } = await startApns(t)
  const { promise: late, resolve: answerLate } = Promise.withResolvers<void>()
  const { promise: gone, resolve: isGone } = Promise.withResolvers<void>()
  apns.answer = (stream, session) => {
    session.goaway()
    isGone()
    void late.then(() => ok(stream, session))
  }
  const first = channel.send('first', content)
  await gone
  apns.answer = ok
  await eventually(async () => {
    assert.deepEqual(await channel.send('next', content), { kind: 'delivered' })
    return apns.sessionsSeen === 2
  })
  answerLate()
  assert.deepEqual(await first, { kind: 'delivered' })
})

test('P6: notifications that wait for a stream at GOAWAY use the next connection', async (t) => {
  const { apns, sendMany } = await startApns(t, { maxConcurrentStreams: 2 })
  let isFirst = true
  apns.answer = (stream, session) => {
    if (isFirst) session.goaway()
    isFirst = false
    ok(stream, session)
  }
  const outcomes = await sendMany(20)
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'delivered' })
  assert.equal(apns.sessionsSeen, 2)
})

test('F13: a timeout ends the try, not the connection', async (t) => {
  const { apns, channel } = await startApns(t, {}, 1_000)
  apns.answer = () => {}
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'NO_ANSWER_IN_TIME' })
  apns.answer = ok
  assert.deepEqual(await channel.send('d', content), { kind: 'delivered' })
  assert.equal(apns.sessionsSeen, 1)
})

test('F13: a caller that stops waiting ends the request, not the connection', async (t) => {
  const { apns, channel } = await startApns(t, {}, 600_000)
  const stop = new AbortController()
  const closed = Promise.withResolvers<void>()
  apns.answer = (stream) => {
    stream.once('close', closed.resolve)
    stop.abort(new Error('stopped'))
  }
  const outcome = await channel.send('d', content, stop.signal)
  assert.deepEqual(outcome, { kind: 'retry', error: 'stopped' })
  await closed.promise
  apns.answer = ok
  assert.deepEqual(await channel.send('d', content), { kind: 'delivered' })
  assert.equal(apns.sessionsSeen, 1)
})

test('P6: a connection that died silently is replaced', async (t) => {
  const { apns, port } = await startApns(t)
  const sockets = new Set<Socket>()
  let swallow = false
  const cable = createTcpServer((near) => {
    const far = connect(port, '127.0.0.1')
    const isCut = swallow
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    near.on('data', (chunk) => void ((isCut || !swallow) && far.write(chunk)))
    far.on('data', (chunk) => void ((isCut || !swallow) && near.write(chunk)))
  })
  await new Promise<void>((resolve) => cable.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    cable.close()
  })
  const channel = channelTo(t, `http://127.0.0.1:${(cable.address() as AddressInfo).port}`, 1_000)
  assert.deepEqual(await channel.send('d', content), { kind: 'delivered' })
  swallow = true
  assert.deepEqual(await channel.send('d', content), { kind: 'retry', error: 'NO_ANSWER_IN_TIME' })
  await eventually(async () => (await channel.send('d', content)).kind === 'delivered')
  assert.equal(apns.sessionsSeen, 2)
})

test('P6: a notification is retried while the push service is down or does not answer', async (t) => {
  const silent = createTcpServer((socket) => socket.resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const channel = channelTo(t, url, 200)
  const outcomes = await Promise.all([1, 2, 3].map(() => channel.send('d', content)))
  for (const { kind } of outcomes) assert.equal(kind, 'retry')
  await channel.close()
  await new Promise((resolve) => silent.close(resolve))
  const outcome = await channelTo(t, url).send('d', content)
  assert.deepEqual(outcome, { kind: 'retry', error: 'ECONNREFUSED' })
})

test('P6: the channel closes with notifications in flight', async (t) => {
  const { apns, channel, sendMany } = await startApns(t)
  apns.answer = () => {}
  const sending = sendMany(5)
  await eventually(() => apns.sent.length === 5)
  await channel.close()
  for (const { kind } of await sending) assert.equal(kind, 'retry')
})
