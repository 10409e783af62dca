import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { EdgeSettings } from '@caudal/config/edge-settings.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { testPort } from '@caudal/testing/test-port.ts'
import { createServer } from './create-server.ts'
import { closeServer, listen } from './running-service.ts'

function serverWith(
  edge?: EdgeSettings,
  logger = createLogger({ service: 'test', level: 'silent' }),
) {
  return createServer({
    name: 'test',
    logger,
    metrics: createMetrics('test'),
    edge,
  })
}

async function serving(t: TestContext) {
  const app = serverWith()
  app.post('/v1/exact', (_request, reply) => reply.send({}))
  const url = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(app, 100))
  return { app, url }
}

async function raw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.end(text)
  await once(socket, 'close')
  return answer
}

test('two hosts and the name of another site are refused, addresses and own names are not', async (t) => {
  const { app, url } = await serving(t)
  const twice =
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n'
  assert.match(await raw(url, twice), /^HTTP\/1\.1 400 [^]*MALFORMED_REQUEST/)
  await closeServer(app, 100)

  const named = serverWith({ hosts: ['Pay.example'] })
  const address = await listen(named, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(named, 100))
  const statusOf = async (host: string): Promise<string> => {
    const head = `GET /healthz HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`
    return (await raw(address, head)).slice(9, 12)
  }
  for (const host of ['pay.example', 'PAY.example:443', 'localhost:1', '127.0.0.1', '[::1]:80']) {
    assert.equal(await statusOf(host), '200', host)
  }
  for (const host of [
    'evil.example',
    'pay.example.evil',
    'x',
    'localhost.evil',
    '127.0.0.1.nip.io',
  ]) {
    assert.equal(await statusOf(host), '400', host)
  }
})

test('metrics and the OpenAPI document are on the operations port only, or on both', async (t) => {
  for (const isPublic of [false, true]) {
    const port = await testPort()
    const app = serverWith({ hosts: [], operations: { host: '127.0.0.1', port, isPublic } })
    const url = await listen(app, { host: '127.0.0.1', port: 0 })
    t.after(() => closeServer(app, 100))
    const operations = `http://127.0.0.1:${port}`
    for (const path of ['/livez', '/healthz', '/readyz', '/metrics', '/openapi.json']) {
      assert.equal((await fetch(operations + path)).status, 200, path)
    }
    assert.match(await (await fetch(`${operations}/metrics`)).text(), /http_open_connections/)
    assert.equal((await fetch(`${operations}/v1/things`)).status, 404)
    assert.equal((await fetch(`${operations}/metrics`, { method: 'POST' })).status, 405)
    for (const path of ['/metrics', '/openapi.json']) {
      assert.equal((await fetch(url + path)).status, isPublic ? 200 : 404, path)
    }
    for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(url + path)).status, 200)
    await closeServer(app, 100)
    await assert.rejects(fetch(`${operations}/livez`))
  }
})

test('a server logs no address of its own: only where its operations port is', async (t) => {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'test', destination })
  const port = await testPort()
  const operations = { host: '127.0.0.1', port, isPublic: false }
  for (const edge of [undefined, { hosts: [], operations }]) {
    const app = serverWith(edge, logger)
    t.after(() => closeServer(app, 100))
    await listen(app, { host: '127.0.0.1', port: 0 })
  }
  assert.deepEqual(
    lines.map(({ message, url }) => [message, url]),
    [['the operations port is listening', `http://127.0.0.1:${port}`]],
  )
})

test('a stop does not wait for a request of which only a part has arrived', async (t) => {
  const { app, url } = await serving(t)
  const head = 'POST /v1/exact HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
  const parts = [
    'POST /v1/ex',
    head,
    `${head}content-length: 10\r\n\r\n{"n"`,
    `${head}transfer-encoding: chunked\r\n\r\n3\r\n{"n`,
  ]
  const closed = await Promise.all(
    parts.map(async (part) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').resume()
      socket.on('error', () => {})
      await once(socket, 'connect')
      await new Promise((written) => socket.write(part, written))
      return { end: once(socket, 'close') }
    }),
  )
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  let isAtDeadline = false
  const closeAll = app.server.closeAllConnections.bind(app.server)
  app.server.closeAllConnections = () => {
    isAtDeadline = true
    closeAll()
  }
  await closeServer(app)
  await Promise.all(closed.map(({ end }) => end))
  assert.equal(isAtDeadline, false, 'the stop ended long before its deadline')
})
