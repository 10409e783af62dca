import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { call, createWorld, pay, type Reply, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
})

async function newUser() {
  const userId = newId()
  return { userId, token: await world.peers.userToken(userId) }
}

async function count(table: string, where: string, values: unknown[]): Promise<number> {
  const { rows } = await world.db.pool.query<{ count: bigint }>(
    `SELECT count(*) AS count FROM ${table} WHERE ${where}`,
    values,
  )
  return Number(rows[0]?.count)
}

/** The events of the order's payments, from the outbox. */
async function requestedEvents(orderId: string) {
  const { rows } = await world.db.pool.query<{
    payload: string
    headers: string
    record_key: string
  }>(
    `SELECT payload, headers, record_key FROM outbox
     WHERE topic = 'payments.requested' AND payload::jsonb ->> 'external_order_id' = $1`,
    [orderId],
  )
  return rows
}

/** Ends the order's payment as the consumer would. */
function setStatus(orderId: string, status: string, reason: string | null): Promise<unknown> {
  return world.db.pool.query(
    `UPDATE payments SET status = $2, reason = $3, order_freed = ($2 = 'FAILED'),
       finalized_at = now() WHERE external_order_id = $1 AND NOT order_freed`,
    [orderId, status, reason],
  )
}

function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, reply.text)
  assert.equal(reply.headers['content-type'], 'application/problem+json')
  assert.equal(reply.json['code'], code)
  assert.match(String(reply.json['trace_id']), /^[0-9a-f]{32}$/)
}

test('an accepted payment is answered 202 PENDING with its Location, and its event is in the outbox (P2)', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId)
  const key = newId()
  const paymentId = newId()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const reply = await pay(service, token, order.external_order_id.toUpperCase(), {
    key: key.toUpperCase(),
    headers: { 'x-payment-id': paymentId, traceparent },
  })
  assert.equal(reply.status, 202, reply.text)
  assert.equal(reply.headers['location'], `/api/v1/payments/${paymentId}`)
  assert.equal(reply.headers['content-type'], 'application/json; charset=utf-8')
  assert.equal(reply.headers['idempotency-replayed'], undefined)
  const { created_at: createdAt, ...rest } = reply.json
  assert.deepEqual(rest, {
    payment_id: paymentId,
    status: 'PENDING',
    external_order_id: order.external_order_id,
    amount: '100.50',
    currency: 'USD',
  })
  assert.match(String(createdAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const [row, ...others] = await requestedEvents(order.external_order_id)
  assert(row && others.length === 0)
  const event = readEvent(row.payload)
  assert('event_type' in event && event.event_type === 'payment.requested')
  assert.equal(event.payment_id, paymentId)
  assert.equal(event.idempotency_key, key)
  assert.equal(event.account_id, accountIdOf('caudal', userId, 'USD'))
  assert.equal(row.record_key, event.account_id)
  assert.match(row.headers, /00-0af7651916cd43dd8448eb211c80319c-/)
})

test('a repeat gets the same status, bytes and Location, even with the order service down (F2)', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  const key = newId()
  const first = await pay(service, token, order, { key })
  const lookups = world.peers.lookups.length
  world.peers.setOrders('fail')
  try {
    const repeat = await pay(service, token, order, { key: key.toUpperCase() })
    assert.equal(repeat.status, first.status)
    assert.equal(repeat.text, first.text)
    assert.equal(repeat.headers['location'], first.headers['location'])
    assert.equal(repeat.headers['content-type'], first.headers['content-type'])
    assert.equal(repeat.headers['idempotency-replayed'], 'true')
    assert.equal(world.peers.lookups.length, lookups)
  } finally {
    world.peers.setOrders('serve')
  }
})

test('50 concurrent requests with one key make one payment and get the same bytes', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  const key = newId()
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => pay(service, token, order, { key })),
  )
  assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [202])
  assert.equal(new Set(replies.map((reply) => reply.text)).size, 1)
  const first = replies.filter((reply) => reply.headers['idempotency-replayed'] === undefined)
  assert.equal(first.length, 1)
  assert.equal(await count('payments', 'user_id = $1', [userId]), 1)
  assert.equal((await requestedEvents(order)).length, 1)
})

test('two instances with the same key at the same time make one payment and one answer', async () => {
  const other = await world.start()
  const { userId, token } = await newUser()
  for (let round = 0; round < 10; round += 1) {
    const order = world.peers.addOrder(userId).external_order_id
    const key = newId()
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        pay(index % 2 === 0 ? service : other, token, order, { key }),
      ),
    )
    assert.equal(new Set(replies.map((reply) => reply.text)).size, 1)
    assert.equal(replies.filter((it) => it.headers['idempotency-replayed'] === undefined).length, 1)
    assert.equal((await requestedEvents(order)).length, 1)
  }
  assert.equal(await count('payments', 'user_id = $1', [userId]), 10)
})

test('two instances with two keys for one order at the same time make one payment', async () => {
  const other = await world.start()
  const { userId, token } = await newUser()
  for (let round = 0; round < 10; round += 1) {
    const order = world.peers.addOrder(userId).external_order_id
    const replies = await Promise.all([pay(service, token, order), pay(other, token, order)])
    const statuses = replies.map((reply) => String(reply.status))
    assert.deepEqual(statuses.toSorted(), ['202', '409'])
    const refused = replies.find((reply) => reply.status === 409)!
    assertProblem(refused, 409, 'ORDER_PAYMENT_IN_PROGRESS')
  }
  assert.equal(await count('payments', 'user_id = $1', [userId]), 10)
})

test('a key that is used with another body is a mismatch and stays bound', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  const another = world.peers.addOrder(userId).external_order_id
  const key = newId()
  const first = await pay(service, token, order, { key })
  assertProblem(await pay(service, token, another, { key }), 422, 'IDEMPOTENCY_MISMATCH')
  assert.equal((await pay(service, token, order, { key })).text, first.text)
  assert.equal(await count('payments', 'user_id = $1', [userId]), 1)
})

test('the same key of two users names two payments', async () => {
  const [ana, ben] = [await newUser(), await newUser()]
  const key = newId()
  const orders = [ana, ben].map(({ userId }) => world.peers.addOrder(userId).external_order_id)
  const replies = [
    await pay(service, ana.token, orders[0]!, { key }),
    await pay(service, ben.token, orders[1]!, { key }),
  ]
  assert.deepEqual(
    replies.map((reply) => reply.status),
    [202, 202],
  )
  assert.notEqual(replies[0]!.json['payment_id'], replies[1]!.json['payment_id'])
})

test('a refusal is bound to its key and repeated, even if the order is free again', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  await pay(service, token, order)
  const key = newId()
  const refused = await pay(service, token, order, { key })
  assertProblem(refused, 409, 'ORDER_PAYMENT_IN_PROGRESS')
  await setStatus(order, 'FAILED', 'gateway_declined')
  const repeat = await pay(service, token, order, { key })
  assert.equal(repeat.text, refused.text)
  assert.equal(repeat.status, 409)
  assert.equal(repeat.headers['content-type'], 'application/problem+json')
  assert.equal(repeat.headers['idempotency-replayed'], 'true')
})

test('refusals under new keys are stored up to a quota of the user and day', async () => {
  const limited = await world.start({ CAUDAL_PAYMENTS_REFUSALS_PER_DAY: '3' })
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  assert.equal((await pay(limited, token, order)).status, 202)
  const replies = await Promise.all(Array.from({ length: 10 }, () => pay(limited, token, order)))
  const stored = replies.filter(({ status }) => status === 409)
  const beyond = replies.filter(({ status }) => status !== 409)
  assert.equal(stored.length, 3)
  for (const reply of beyond) {
    assertProblem(reply, 429, 'RATE_LIMITED')
    assert.equal(reply.headers['retry-after'], '3600')
  }
  assert.equal(await count('idempotency_keys', 'user_id = $1', [userId]), 4)
  const another = world.peers.addOrder(userId).external_order_id
  assert.equal((await pay(limited, token, another)).status, 202, 'payments are not counted')
  const { userId: otherId, token: otherToken } = await newUser()
  const paid = world.peers.addOrder(otherId, { status: 'PAID' }).external_order_id
  assert.equal((await pay(limited, otherToken, paid)).status, 409, 'each user has a quota')
  await world.db.pool.query('UPDATE refusal_counts SET day = day - 1 WHERE user_id = $1', [userId])
  assert.equal((await pay(limited, token, order)).status, 409, 'and each day')
})

test('an order can be paid again after a failed payment, not after a completed one', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  await pay(service, token, order)
  await setStatus(order, 'FAILED', 'insufficient_funds')
  assert.equal((await pay(service, token, order)).status, 202)
  await setStatus(order, 'COMPLETED', null)
  assertProblem(await pay(service, token, order), 409, 'ORDER_ALREADY_PAID')
  assert.equal(await count('payments', 'user_id = $1', [userId]), 2)
})

test('an order that is paid at the order service is refused', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId, { status: 'PAID' }).external_order_id
  assertProblem(await pay(service, token, order), 409, 'ORDER_ALREADY_PAID')
})

test("an unknown order and another user's order are not found, and bind no key", async () => {
  const [ana, ben] = [await newUser(), await newUser()]
  const bens = world.peers.addOrder(ben.userId).external_order_id
  const key = newId()
  assertProblem(await pay(service, ana.token, newId(), { key }), 404, 'ORDER_NOT_FOUND')
  assertProblem(await pay(service, ana.token, bens, { key }), 404, 'ORDER_NOT_FOUND')
  await pay(service, ben.token, bens)
  assertProblem(await pay(service, ana.token, bens, { key }), 404, 'ORDER_NOT_FOUND')
  assert.equal(await count('idempotency_keys', 'user_id = $1', [ana.userId]), 0)
  const own = world.peers.addOrder(ana.userId).external_order_id
  assert.equal((await pay(service, ana.token, own, { key })).status, 202)
})

for (const mode of ['fail', 'hang'] as const) {
  test(`orders that ${mode}: 503, nothing stored, replays and refusals still answered`, async () => {
    const hasty = await world.start({ CAUDAL_PAYMENTS_ORDERS_TIMEOUT: '1s' })
    const { userId, token } = await newUser()
    const known = world.peers.addOrder(userId).external_order_id
    const fresh = world.peers.addOrder(userId).external_order_id
    const keys = [newId(), newId()] as const
    const first = await pay(hasty, token, known, { key: keys[0] })
    world.peers.setOrders(mode)
    try {
      const replies = await Promise.all([
        pay(hasty, token, fresh, { key: keys[1] }),
        pay(hasty, token, known, { key: keys[0] }),
        pay(hasty, token, known),
      ])
      assertProblem(replies[0], 503, 'UNAVAILABLE')
      assert.equal(replies[0].headers['retry-after'], '1')
      assert.equal(replies[1].text, first.text)
      assertProblem(replies[2], 409, 'ORDER_PAYMENT_IN_PROGRESS')
    } finally {
      world.peers.setOrders('serve')
    }
    assert.equal((await pay(hasty, token, fresh, { key: keys[1] })).status, 202)
  })
}

test('an invalid order is unavailable, and the other orders of its batch are paid', async () => {
  const { userId, token } = await newUser()
  const bad = [
    { amount: '1.005' },
    { amount: '0.00' },
    { currency: 'XXX' },
    { service_name: 'a\u0000b' },
    { service_bank_code: '' },
  ].map((over) => world.peers.addOrder(userId, over).external_order_id)
  const good = world.peers.addOrder(userId).external_order_id
  const replies = await Promise.all([...bad, good].map((order) => pay(service, token, order)))
  assert.deepEqual(
    replies.map((reply) => reply.status),
    [503, 503, 503, 503, 503, 202],
  )
})

test('concurrent requests share one lookup and a few statements', async () => {
  const { userId, token } = await newUser()
  const orders = Array.from({ length: 40 }, () => world.peers.addOrder(userId).external_order_id)
  const before = world.peers.lookups.length
  const replies = await Promise.all(orders.map((order) => pay(service, token, order)))
  assert(replies.every((reply) => reply.status === 202))
  const lookups = world.peers.lookups.slice(before)
  assert(lookups.length <= 20, `${lookups.length} lookups for 40 requests`)
  assert(lookups.some(({ count }) => count > 1))
  assert(lookups.every(({ traceparent }) => typeof traceparent === 'string'))
})

test('one payment_id sent with two orders still makes two payments', async () => {
  const { userId, token } = await newUser()
  const orders = [1, 2].map(() => world.peers.addOrder(userId).external_order_id)
  const headers = { 'x-payment-id': newId() }
  const replies = await Promise.all(orders.map((order) => pay(service, token, order, { headers })))
  assert.deepEqual(
    replies.map((reply) => reply.status),
    [202, 202],
  )
  assert.notEqual(replies[0]!.json['payment_id'], replies[1]!.json['payment_id'])
})

test('keys are required and must be UUIDs; bodies must be exact', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  const post = (headers: Record<string, string>, body: string) =>
    call(`${service.url}/v1/payments`, {
      method: 'POST',
      token,
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const key = { 'idempotency-key': newId() }
  const body = JSON.stringify({ external_order_id: order })
  assertProblem(await post({}, body), 400, 'IDEMPOTENCY_KEY_REQUIRED')
  for (const bad of ['abc', `${newId()}, ${newId()}`, `{${newId()}}`]) {
    assertProblem(await post({ 'idempotency-key': bad }, body), 400, 'INVALID_IDEMPOTENCY_KEY')
  }
  for (const bad of [
    '',
    '{}',
    '[]',
    'null',
    '{"external_order_id":"x"}',
    '{"external_order_id":1}',
    JSON.stringify({ external_order_id: order, amount: '0.01' }),
    `{"external_order_id":"${order}","external_order_id":"${order}"}`,
  ]) {
    assertProblem(await post(key, bad), 400, 'MALFORMED_REQUEST')
  }
  assert.equal(await count('payments', 'user_id = $1', [userId]), 0)
})

test('user tokens must come from the gateway, and services need scope and user (P3)', async () => {
  const { userId, token } = await newUser()
  const order = world.peers.addOrder(userId).external_order_id
  const { peers } = world
  const behalf = { 'x-on-behalf-of': userId.toUpperCase() }
  const userOfIdentity = await peers.serviceToken('payments:write', {
    sub: userId,
    client_id: undefined,
  })
  const wrongAudience = await peers.userToken(userId, { aud: 'wallets' })
  assertProblem(await pay(service, userOfIdentity, order), 401, 'UNAUTHENTICATED')
  assertProblem(await pay(service, wrongAudience, order), 401, 'UNAUTHENTICATED')
  const reader = await peers.serviceToken('payments:read')
  assertProblem(await pay(service, reader, order, { headers: behalf }), 403, 'FORBIDDEN')
  const writer = await peers.serviceToken('payments:write')
  assertProblem(await pay(service, writer, order), 400, 'MALFORMED_REQUEST')
  const elsewhere = await peers.serviceToken('payments:write', { tenant_id: 'other' })
  const foreign = await pay(service, elsewhere, order, { headers: behalf })
  assertProblem(foreign, 404, 'ORDER_NOT_FOUND')
  const forged = newId()
  const reply = await pay(service, writer, order, {
    headers: { ...behalf, 'x-payment-id': forged },
  })
  assert.equal(reply.status, 202)
  assert.notEqual(reply.json['payment_id'], forged)
  const actor = `payload::jsonb ->> 'user_id' = $1 AND payload::jsonb #>> '{actor,type}' = $2`
  assert.equal(await count('outbox', actor, [userId, 'client']), 1)
  const own = await call(`${service.url}/v1/payments/${String(reply.json['payment_id'])}`, {
    token,
  })
  assert.equal(own.status, 200)
})
