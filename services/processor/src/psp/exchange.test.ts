import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { resetConnection } from '@caudal/http/reset-connection.ts'
import { type Deadline, deadlineIn } from '@caudal/outbound/deadline.ts'
import { type Dispatcher, Pool } from 'undici'
import { exchange, type Exchanged } from './exchange.ts'

const BODY = Buffer.from('{"payment_id":"p"}')
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

type Psp = { origin: string; requests: () => number; connections: () => number; server: Server }

/** A server that sees bytes: it counts whole requests and lets `answer` do the rest. */
async function pspOf(
  t: TestContext,
  answer: (socket: Socket, request: number) => void,
): Promise<Psp> {
  let requests = 0
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const heads = bytes.toString().match(/ HTTP\/1\.1\r\n/g)?.length ?? 0
      for (let index = 0; index < heads; index += 1) answer(socket, (requests += 1))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return { origin, server, requests: () => requests, connections: () => connections }
}

function poolFor(t: TestContext, origin: string, connections = 1): Pool {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    connectTimeout: 500,
  })
  t.after(() => pool.destroy())
  return pool
}

function post(pool: Pool, deadline: Deadline = deadlineIn(2_000)): Promise<Exchanged> {
  const headers = { 'idempotency-key': 'p' }
  return exchange(pool, { method: 'POST', path: '/v1/payments', headers, body: BODY }, deadline)
}

test('an exchange returns the status, the body and Retry-After', async (t) => {
  const psp = await pspOf(t, (socket) =>
    socket.write(
      OK.replace('200 OK', '429 No').replace('content-l', 'retry-after: 7\r\ncontent-l'),
    ),
  )
  const answer = await post(poolFor(t, psp.origin))
  assert.equal(answer.kind, 'answered')
  if (answer.kind !== 'answered') return
  const { httpStatus, retryAfter, body } = answer
  assert.deepEqual(
    { httpStatus, retryAfter, body: body.toString() },
    {
      httpStatus: 429,
      retryAfter: '7',
      body: '{}',
    },
  )
})

test('a request to a closed port is provably not sent (rule 9)', async (t) => {
  const psp = await pspOf(t, () => {})
  psp.server.close()
  await once(psp.server, 'close')
  const answer = await post(poolFor(t, psp.origin))
  assert.deepEqual(answer, { kind: 'not_sent', cause: 'unreachable', errorClass: 'econnrefused' })
})

test('a request to an unknown host is provably not sent', async (t) => {
  const answer = await post(poolFor(t, 'http://psp.invalid:80'))
  assert.equal(answer.kind, 'not_sent')
})

test('a connection closed without an answer is ambiguous, and the request is not repeated', async (t) => {
  const psp = await pspOf(t, (socket) => socket.destroy())
  const answer = await post(poolFor(t, psp.origin))
  assert.equal(answer.kind, 'lost')
  assert.equal(psp.requests(), 1)
})

test('a keep-alive connection that dies under the next request is ambiguous, not repeated', async (t) => {
  const psp = await pspOf(t, (socket, request) => {
    if (request % 2 === 1) socket.write(OK)
    else resetConnection(socket)
  })
  const pool = poolFor(t, psp.origin)
  for (let round = 1; round <= 10; round += 1) {
    assert.equal((await post(pool)).kind, 'answered')
    assert.equal((await post(pool)).kind, 'lost')
    assert.equal(psp.requests(), 2 * round)
  }
})

test('a server that closes idle connections sees no request twice', async (t) => {
  const psp = await pspOf(t, (socket) => {
    socket.write(OK)
    setImmediate(() => socket.destroy())
  })
  const pool = poolFor(t, psp.origin, 4)
  const answers = await Promise.all(Array.from({ length: 200 }, () => post(pool)))
  const maySent = answers.filter(({ kind }) => kind !== 'not_sent').length
  assert.ok(
    psp.requests() <= maySent,
    `${psp.requests()} requests for ${maySent} that may have left`,
  )
})

test('an incomplete answer is ambiguous', async (t) => {
  const psp = await pspOf(t, (socket) => socket.end(OK.slice(0, -1)))
  assert.equal((await post(poolFor(t, psp.origin))).kind, 'lost')
})

test('an answer larger than 64 KiB is ambiguous', async (t) => {
  const large = 'x'.repeat(100_000)
  const psp = await pspOf(t, (socket) =>
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n${large}`),
  )
  const answer = await post(poolFor(t, psp.origin))
  assert.deepEqual(answer.kind === 'lost' && answer.errorClass, 'answer_too_large')
})

test('no answer until the deadline is ambiguous', async (t) => {
  const psp = await pspOf(t, () => {})
  const answer = await post(poolFor(t, psp.origin), deadlineIn(500))
  assert.deepEqual(answer.kind === 'lost' && answer.errorClass, 'timeout')
  assert.equal(psp.requests(), 1)
})

test('a request without a connection at its deadline is never sent (rule 9)', async (t) => {
  const psp = await pspOf(t, (socket, request) => {
    if (request > 1) socket.write(OK)
  })
  const pool = poolFor(t, psp.origin)
  const first = post(pool, deadlineIn(1_500))
  const second = post(pool, deadlineIn(500))
  assert.deepEqual(await second, {
    kind: 'not_sent',
    cause: 'deadline',
    errorClass: 'deadline_passed',
  })
  assert.equal((await first).kind, 'lost')
  assert.equal((await post(pool)).kind, 'answered')
  assert.equal(psp.requests(), 2)
})

test('a process that was paused past the deadline sends nothing', async (t) => {
  const psp = await pspOf(t, (socket) => socket.write(OK))
  // As after SIGSTOP: timers have not run yet, the clock has moved on.
  let paused = false
  const deadline = { remainingMs: () => (paused ? 0 : 1_000) }
  const sending = post(poolFor(t, psp.origin), deadline)
  paused = true
  assert.equal((await sending).kind, 'not_sent')
  assert.equal(psp.requests(), 0)
})

test('a second start of the same request by the HTTP client is stopped before it writes', async () => {
  const aborted: string[] = []
  const controllerOf = (name: string) =>
    ({ abort: () => void aborted.push(name) }) as unknown as Dispatcher.DispatchController
  const repeating = {
    dispatch(_options: unknown, handler: Dispatcher.DispatchHandler) {
      handler.onRequestStart?.(controllerOf('first'), null)
      handler.onRequestStart?.(controllerOf('second'), null)
      handler.onResponseError?.(controllerOf('second'), new Error('aborted'))
      return true
    },
  } as unknown as Pool
  assert.equal((await post(repeating)).kind, 'lost')
  assert.deepEqual(aborted, ['second'])
})
