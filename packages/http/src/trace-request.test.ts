import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { createServer } from './create-server.ts'
import { Problem } from './problem.ts'
import { closeServer, listen } from './running-service.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const OTHER_ID = '0af7651916cd43dd8448eb211c80319c'
// The first 16 bytes of the SHA-256 of tr_a1b2.
const TRACE_OF_A1B2 = '961f63d9b61dc7f2a99f0448561c980c'

async function serving(t: TestContext) {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const app = createServer({
    name: 'test',
    logger: createLogger({ service: 'test', level: 'debug', destination }),
    metrics: createMetrics('test'),
  })
  app.get('/v1/refused', () => {
    throw new Problem('ORDER_ALREADY_PAID')
  })
  app.get('/v1/bug', () => {
    throw new Error('a bug')
  })
  const url = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(app, 100))
  const ask = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(`${url}${path}`, { headers })
    const { trace_id: traceId } = (await answer.json()) as { trace_id: string }
    assert.equal(answer.headers.get('traceparent')?.slice(3, 35), traceId)
    return { traceId, repeated: answer.headers.get('x-trace-id') }
  }
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { url, ask, logged }
}

test('F1: an X-Trace-Id is resolved to its trace and returned unchanged', async (t) => {
  const { ask } = await serving(t)
  for (const [name, traceId] of [
    [TRACE_ID, TRACE_ID],
    ['tr_a1b2', TRACE_OF_A1B2],
    ['tr_a1b2', TRACE_OF_A1B2],
  ] as const) {
    const answer = await ask('/v1/refused', { 'x-trace-id': name })
    assert.deepEqual(answer, { traceId, repeated: name })
  }
})

test('F1: a valid traceparent has priority over an X-Trace-Id', async (t) => {
  const { ask } = await serving(t)
  const traceparent = `00-${OTHER_ID}-00f067aa0ba902b7-01`
  const both = { 'x-trace-id': 'tr_a1b2', traceparent }
  assert.deepEqual(await ask('/v1/refused', both), { traceId: OTHER_ID, repeated: null })
  const broken = { ...both, traceparent: traceparent.slice(1) }
  const expected = { traceId: TRACE_OF_A1B2, repeated: 'tr_a1b2' }
  assert.deepEqual(await ask('/v1/refused', broken), expected)
})

test('F1: an invalid X-Trace-Id is ignored', async (t) => {
  const { ask } = await serving(t)
  for (const name of ['', 'two words', 'ñ', 'x'.repeat(129)]) {
    const [one, other] = [
      await ask('/v1/refused', { 'x-trace-id': name }),
      await ask('/v1/refused', { 'x-trace-id': name }),
    ]
    assert.deepEqual([one.repeated, other.repeated], [null, null])
    assert.notEqual(one.traceId, other.traceId)
  }
})

test("P13, F10: the log has the caller's name of the trace and its id", async (t) => {
  const { ask, logged } = await serving(t)
  await ask('/v1/bug', { 'x-trace-id': 'tr_a1b2' })
  await ask('/v1/bug', { 'x-trace-id': TRACE_ID })
  const named = logged().filter((line) => line['x_trace_id'] === 'tr_a1b2')
  assert.deepEqual(
    named.map((line) => [line['level'], line['trace_id'], line['route']]),
    [
      ['debug', TRACE_OF_A1B2, '/v1/bug'],
      ['error', TRACE_OF_A1B2, '/v1/bug'],
    ],
  )
  const plain = logged().filter((line) => line['trace_id'] === TRACE_ID)
  assert.deepEqual(
    plain.map((line) => [line['level'], 'x_trace_id' in line]),
    [['error', false]],
  )
})

test('F1: requests without a route or with a malformed path have a trace', async (t) => {
  const { url, ask } = await serving(t)
  const expected = { traceId: TRACE_OF_A1B2, repeated: 'tr_a1b2' }
  assert.deepEqual(await ask('/nowhere', { 'x-trace-id': 'tr_a1b2' }), expected)
  assert.deepEqual(await ask('/%zz', { 'x-trace-id': 'tr_a1b2' }), expected)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = ['GET /v1/refused HTTP/1.1', 'host: x', 'connection: close']
  socket.write([...head, 'x-trace-id: tr_1', 'x-trace-id: tr_2', '', ''].join('\r\n'))
  const answer = await text(socket)
  assert.match(answer, /^HTTP\/1\.1 409 /)
  assert.doesNotMatch(answer, /x-trace-id/i, 'two are none')
})
