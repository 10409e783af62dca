import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { request } from 'undici'
import { createWorld, pay, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService

type Line = { index: number; status: number; headers: Record<string, string>; body: string }
type Joined = Record<string, string>

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
})

async function post(requests: unknown): Promise<Line[]> {
  const response = await request(`${service.url}/internal/payment-requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requests }),
  })
  const text = await response.body.text()
  assert.equal(response.statusCode, 200, text)
  const lines = text.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Line).toSorted((a, b) => a.index - b.index)
}

async function joinedOf(change: Partial<Joined> = {}): Promise<Joined> {
  const userId = newId()
  const order = world.peers.addOrder(userId)
  return {
    authorization: `Bearer ${await world.peers.userToken(userId)}`,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-payment-id': newId(),
    'idempotency-key': newId(),
    body: JSON.stringify({ external_order_id: order.external_order_id }),
    ...change,
  }
}

test('P2: joined requests get the same answers as single ones', async () => {
  const good = await joinedOf()
  const { 'idempotency-key': _, ...keyless } = await joinedOf()
  const requests: [Joined, number, string][] = [
    [good, 202, 'PENDING'],
    [await joinedOf(), 202, 'PENDING'],
    [{ ...good, 'x-payment-id': newId() }, 202, 'PENDING'],
    [{ ...good, 'idempotency-key': newId() }, 409, 'ORDER_PAYMENT_IN_PROGRESS'],
    [{ ...(await joinedOf()), body: good['body']! }, 404, 'ORDER_NOT_FOUND'],
    [await joinedOf({ authorization: 'Bearer junk' }), 401, 'UNAUTHENTICATED'],
    [await joinedOf({ authorization: '' }), 401, 'UNAUTHENTICATED'],
    [keyless, 400, 'IDEMPOTENCY_KEY_REQUIRED'],
    [await joinedOf({ 'idempotency-key': 'x' }), 400, 'INVALID_IDEMPOTENCY_KEY'],
    [await joinedOf({ body: '{"external_order_id":"42"}' }), 400, 'MALFORMED_REQUEST'],
    [await joinedOf({ body: '[' }), 400, 'MALFORMED_REQUEST'],
  ]
  const lines = await post(requests.map(([one]) => one))
  assert.equal(lines.length, requests.length)
  for (const [index, [one, status, expected]] of requests.entries()) {
    const { body, headers, ...line } = lines[index]!
    assert.deepEqual(line, { index, status }, body)
    const answer = JSON.parse(body) as Record<string, string>
    assert.equal(answer['code'] ?? answer['status'], expected)
    assert.equal('idempotency-replayed' in headers, index === 2)
    if (status !== 202) continue
    // A repeat that comes alone gets the same bytes.
    const token = one['authorization']!.slice('Bearer '.length)
    const order = (JSON.parse(one['body']!) as Record<string, string>)['external_order_id']!
    const again = await pay(service, token, order, { key: one['idempotency-key']! })
    assert.deepEqual([again.status, again.text], [status, body])
    assert.equal(again.headers['location'], headers['location'])
    assert.equal(again.headers['content-type'], headers['content-type'])
  }
  const [first, , repeat] = lines
  assert.equal(repeat!.body, first!.body)
  assert.equal(lines[5]!.headers['www-authenticate']?.startsWith('Bearer'), true)
})

test('P1: requests without a token of the gateway are refused, joined or not', async () => {
  const identity = await world.peers.serviceToken('payments:read')
  const foreign = await world.peers.userToken(newId(), { aud: 'wallets' })
  const lines = await post([
    await joinedOf({ authorization: `Bearer ${identity}` }),
    await joinedOf({ authorization: `Bearer ${foreign}` }),
  ])
  assert.deepEqual(
    lines.map(({ status }) => status),
    [403, 401],
  )
})

test('F7: answers of joined requests do not wait for each other', async () => {
  const known = await joinedOf()
  const [first] = await post([known])
  assert.equal(first!.status, 202)
  world.peers.setOrders('hang')
  try {
    const response = await request(`${service.url}/internal/payment-requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ requests: [await joinedOf(), known] }),
    })
    const [chunk] = (await response.body[Symbol.asyncIterator]().next()).value
      .toString()
      .split('\n') as [string]
    const line = JSON.parse(chunk) as Line
    assert.deepEqual([line.index, line.body], [1, first!.body], 'the repeat is answered at once')
    response.body.destroy()
  } finally {
    world.peers.setOrders('serve')
  }
})
