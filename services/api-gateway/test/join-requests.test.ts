import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerAnswer, PeerRequest } from '../src/peers/exchange.ts'
import { joinRequests } from '../src/peers/join-requests.ts'

type Sent = { requests: Record<string, unknown>[] }

const ALONE = { status: 202, headers: {}, body: Buffer.from('alone') }

function requestOf(name: string, change: Partial<PeerRequest> = {}): PeerRequest {
  return {
    method: 'POST',
    path: '/v1/payments',
    headers: { authorization: `Bearer ${name}`, 'content-type': 'application/json' },
    body: Buffer.from(`{"name":"${name}"}`),
    ...change,
  }
}

/** Joins requests to a service whose exchanges end as the test defines. */
function joining(
  stream: (sent: Sent, onData: (chunk: Buffer) => void) => Promise<unknown>,
  path = '/v1/payments',
) {
  const alone: PeerRequest[] = []
  const joined: Sent[] = []
  const send = joinRequests({
    path,
    to: '/internal/joined',
    alone: (request) => {
      alone.push(request)
      return Promise.resolve(ALONE)
    },
    stream: async (request, onData) => {
      const sent = JSON.parse(String(request.body)) as Sent
      joined.push(sent)
      await stream(sent, onData)
      return { status: 200 }
    },
  })
  return { send, alone, joined }
}

function lineOf(sent: Sent, index: number): string {
  const body = `own ä of ${String(sent.requests[index]!['body'])}`
  return `${JSON.stringify({ index, status: 202, headers: { location: `/${index}` }, body })}\n`
}

async function textsOf(answers: Promise<PeerAnswer>[]): Promise<string[]> {
  return (await Promise.all(answers)).map(({ body }) => String(body))
}

test('concurrent requests are joined, and each gets its own answer', async () => {
  const { send, alone, joined } = joining(async (sent, onData) => {
    // Last first, and cut in the middle of a character and of a line.
    const lines = sent.requests.map((_, index) => lineOf(sent, index)).toReversed()
    for (const byte of Buffer.from(lines.join(''))) onData(Buffer.from([byte]))
  })
  const names = Array.from({ length: 150 }, (_, index) => `n${index}`)
  const texts = await textsOf(names.map((name) => send(requestOf(name))))
  assert.deepEqual(
    texts,
    names.map((name) => `own ä of {"name":"${name}"}`),
  )
  assert.deepEqual(
    joined.map(({ requests }) => requests.length),
    [64, 64, 22],
  )
  assert.equal(joined[1]!.requests[0]!['authorization'], 'Bearer n64')
  assert.equal(alone.length, 0)
})

test('requests that are alone, large, not text or have extra headers are not joined', async () => {
  const { send, alone, joined } = joining(() => Promise.resolve())
  await send(requestOf('single'))
  const headers = { ...requestOf('x').headers, tracestate: 'a=b' }
  await textsOf([
    send(requestOf('large', { body: Buffer.alloc(2_000, ' ') })),
    send(requestOf('large', { body: Buffer.alloc(2_000, ' ') })),
    send(requestOf('binary', { body: Buffer.from([0x7b, 0xff]) })),
    send(requestOf('traced', { headers })),
    send(requestOf('read', { method: 'GET', body: null })),
    send(requestOf('elsewhere', { path: '/v1/other' })),
  ])
  assert.equal(alone.length, 7)
  assert.equal(joined.length, 0)
})

test('F13: requests that a broken exchange left unanswered are sent again once, alone', async () => {
  const ends: (() => Promise<unknown>)[] = [
    () => Promise.reject(Object.assign(new Error('broken'), { code: 'ECONNRESET' })),
    () => Promise.resolve(),
  ]
  for (const end of ends) {
    const { send, alone } = joining((sent, onData) => {
      onData(Buffer.from(lineOf(sent, 1)))
      onData(Buffer.from('{"index":0,"stat'))
      return end()
    })
    const texts = await textsOf([send(requestOf('a')), send(requestOf('b'))])
    assert.deepEqual(texts, ['alone', 'own ä of {"name":"b"}'])
    assert.deepEqual(
      alone.map(({ headers }) => headers['authorization']),
      ['Bearer a'],
    )
  }
})

test('a timeout is not retried', async () => {
  const slow = Object.assign(new Error('slow'), { code: 'UND_ERR_BODY_TIMEOUT' })
  const { send, alone } = joining((sent, onData) => {
    onData(Buffer.from(lineOf(sent, 0)))
    return Promise.reject(slow)
  })
  const [first, second] = await Promise.allSettled([send(requestOf('a')), send(requestOf('b'))])
  assert.equal(first.status, 'fulfilled')
  assert.equal(second.status === 'rejected' && second.reason, slow)
  assert.equal(alone.length, 0)
})

test('P15: callbacks are joined with their own paths, headers and bytes', async () => {
  const { send, alone, joined } = joining((sent, onData) => {
    for (const [index] of sent.requests.entries()) onData(Buffer.from(lineOf(sent, index)))
    return Promise.resolve()
  }, '/callbacks/')
  const headers = { 'x-gateway-signature': 't=1,v1=aa', tracestate: 'a=b' }
  const callbacks = ['main', 'shop'].map((account) => {
    const body = Buffer.from(`\ufeff{ "ä" : "${account}"\n}`)
    return { method: 'POST' as const, path: `/callbacks/main/${account}`, headers, body }
  })
  const large = requestOf('large', { path: '/callbacks/main/main', body: Buffer.alloc(2_000, ' ') })
  const signed = {
    ...large,
    headers: { 'x-signature': 'a'.repeat(5_000) },
    body: Buffer.from('{}'),
  }
  const binary = { ...large, body: Buffer.from([0xff, 0x00]) }
  const texts = await textsOf([...callbacks, large, signed, binary, requestOf('other')].map(send))
  assert.deepEqual(texts.slice(2), ['alone', 'alone', 'alone', 'alone'])
  assert.deepEqual(
    joined.flatMap(({ requests }) => requests),
    callbacks.map(({ path, body }) => ({ path, headers, body: String(body) })),
  )
  assert.ok(callbacks.every(({ body }) => Buffer.from(String(body)).equals(body)))
  assert.equal(alone.length, 4)
})
