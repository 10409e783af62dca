import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestGateway } from './start-test-gateway.ts'

type Ready = { status: string; checks: Record<string, { status: string; detail?: string }> }

const DOWN = { database: { status: 'fail' }, token_keys: { status: 'ok' } }

test('a service that fails many requests gets one line and is counted', async (t) => {
  const { ask, pay, service, lines } = await startTestGateway(t, {}, (request, response) => {
    if (request.method === 'GET') response.writeHead(503).end('{}')
    else response.destroy()
  })
  for (let index = 0; index < 40; index++) await ask('GET', '/api/v1/wallet')
  for (let index = 0; index < 20; index++) await pay()
  const warned = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level }) => level === 'warn')
  assert.deepEqual(
    warned.map(({ peer, code }) => [peer, code]),
    [
      ['wallets', 'ANSWERED_503'],
      ['payments', 'PEER_UNAVAILABLE'],
    ],
  )
  assert.match(String(warned[1]!['payment_id']), /^[0-9a-f-]{36}$/)
  assert.ok(!JSON.stringify(warned).includes('stack'), 'known faults have no stack')
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  const count = (peer: string, code: string) =>
    new RegExp(`gateway_peer_faults_total\\{peer="${peer}",code="${code}",.*\\} (\\d+)\\n`).exec(
      metrics,
    )?.[1]
  assert.equal(count('wallets', 'ANSWERED_503'), '40')
  assert.equal(count('payments', 'PEER_UNAVAILABLE'), '20')
})

test('readiness is degraded while a service behind the gateway is not ready', async (t) => {
  const { ask } = await startTestGateway(t, {}, (_request, response) => {
    response.writeHead(503).end(JSON.stringify({ status: 'unavailable', checks: DOWN }))
  })
  const { status, text } = await ask('GET', '/readyz')
  assert.equal(status, 200, 'other services can be reached through this gateway')
  const ready = JSON.parse(text) as Ready
  assert.equal(ready.status, 'degraded')
  const notReady = { status: 'warn', detail: 'is not ready: database' }
  assert.deepEqual([ready.checks['payments'], ready.checks['wallets']], [notReady, notReady])
})

test('readiness is degraded while a service behind the gateway does not answer', async (t) => {
  const { ask, stopPeer } = await startTestGateway(t)
  stopPeer()
  const ready = JSON.parse((await ask('GET', '/readyz')).text) as Ready
  assert.equal(ready.status, 'degraded')
  assert.deepEqual(ready.checks['payments'], { status: 'warn', detail: 'does not answer' })
})

test('readiness is ok while every service behind the gateway is ready', async (t) => {
  const { ask, seen } = await startTestGateway(t)
  const both = await Promise.all([ask('GET', '/readyz'), ask('GET', '/readyz')])
  for (const { text } of both) assert.equal((JSON.parse(text) as Ready).status, 'ok')
  assert.equal(seen.length, 3, 'callers cannot make the gateway ask more often')
})
