import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { parseEvent } from '@caudal/contracts/parse-event.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { Payment } from '../src/domain/payment.ts'
import { openLedger, returnOf } from './fact-stories.ts'
import { refundEventsOf } from './refund-stories.ts'
import { capture, findOne, findRefundRow, runBatch } from './spine.ts'
import { call, createWorld, refund, type Reply, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let token: string

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  token = await world.peers.serviceToken('refunds:write payments:read')
})

const captured = (over: Partial<Payment> = {}) => capture(world.db.pool, over)

async function rowsOf(paymentId: string) {
  const { rows } = await world.db.pool.query<{ amount_minor: bigint; status: string }>(
    'SELECT amount_minor, status FROM refunds WHERE payment_id = $1',
    [paymentId],
  )
  return rows
}

async function keysOf(key: string): Promise<number> {
  const { rows } = await world.db.pool.query(
    'SELECT 1 FROM refund_keys WHERE idempotency_key = $1',
    [key],
  )
  return rows.length
}

function assertProblem(reply: Reply, status: number, code: string): void {
  assert.equal(reply.status, status, reply.text)
  assert.equal(reply.headers['content-type'], 'application/problem+json')
  assert.equal(reply.json['code'], code)
}

function sumsIn({ json }: Reply) {
  const { captured, refunded, pending, refundable } = json
  return { captured, refunded, pending, refundable }
}

test('P12, F6: a client refunds a part of a payment: 202, Location, and one event for the processor', async () => {
  const payment = await captured()
  const metadata = { ticket: 'A-17', note: '½ ☃ \u0000 "' }
  const body = { amount: '40.00', reason: 'not_delivered', metadata }
  const reply = await refund(service, token, payment.paymentId, body)
  assert.equal(reply.status, 202, reply.text)
  const { refund_id: refundId, created_at, updated_at, ...rest } = reply.json
  assert.equal(reply.headers['location'], `/api/v1/refunds/${String(refundId)}`)
  assert.equal(created_at, updated_at)
  assert.deepEqual(rest, {
    payment_id: payment.paymentId,
    status: 'PENDING',
    amount: '40.00',
    currency: 'USD',
    reason: 'not_delivered',
    metadata,
    failure_reason: null,
    version: 1,
  })
  const { rows } = await world.db.pool.query<{ payload: string; record_key: string }>(
    `SELECT payload, record_key FROM outbox WHERE topic = 'refunds.requested'
       AND payload::jsonb ->> 'refund_id' = $1`,
    [refundId],
  )
  assert.equal(rows.length, 1)
  assert.equal(rows[0]?.record_key, payment.accountId)
  const parsed = parseEvent(rows[0].payload)
  assert(parsed.kind === 'event' && parsed.event.event_type === 'refund.requested')
  assert.equal(parsed.event.amount, '40.00')
  assert.deepEqual(parsed.event.actor, { type: 'client', id: 'desk' })
  assert.equal((await findOne(world.db.pool, payment.paymentId)).pendingMinor, 4_000n)
  const read = await call(`${service.url}/v1/refunds/${String(refundId)}`, { token })
  assert.deepEqual(read.json, reply.json)
})

test('F2: a repeat gets the same bytes, and another request under the key is a mismatch', async () => {
  const payment = await captured()
  const key = newId()
  const ask = (body: Record<string, unknown>, as = key) =>
    refund(service, token, payment.paymentId, body, as)
  const first = await ask({ amount: '40.00', metadata: { a: '1', b: '2' } })
  const repeats = await Promise.all([
    ask({ amount: '40.00', metadata: { b: '2', a: '1' } }),
    ask({ amount: '40.00', metadata: { a: '1', b: '2' } }, key.toUpperCase()),
  ])
  for (const repeat of repeats) {
    assert.deepEqual([repeat.status, repeat.text], [202, first.text])
    assert.equal(repeat.headers['location'], first.headers['location'])
    assert.equal(repeat.headers['idempotency-replayed'], 'true')
  }
  assert.equal(first.headers['idempotency-replayed'], undefined)
  assertProblem(await ask({ amount: '40.01', metadata: {} }), 422, 'IDEMPOTENCY_MISMATCH')
  assert.equal((await rowsOf(payment.paymentId)).length, 1)
})

test('50 requests with one key at two instances make one refund and get the same bytes', async () => {
  const payment = await captured()
  const [key, other] = [newId(), await world.start()]
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      refund(index % 2 === 0 ? service : other, token, payment.paymentId, { amount: '1.00' }, key),
    ),
  )
  assert.deepEqual(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size, 1)
  assert.equal(replies.filter((one) => one.headers['idempotency-replayed'] === undefined).length, 1)
  assert.equal((await rowsOf(payment.paymentId)).length, 1)
})

test('P12: two parallel refunds of 60 of 100: one 202, one REFUND_EXCEEDS_CAPTURED with the sums', async () => {
  const payment = await captured()
  const other = await world.start()
  const replies = await Promise.all(
    [service, other].map((one) => refund(one, token, payment.paymentId, { amount: '60.00' })),
  )
  const [accepted, refused] = replies.toSorted((a, b) => a.status - b.status)
  assert.equal(accepted?.status, 202)
  assertProblem(refused!, 422, 'REFUND_EXCEEDS_CAPTURED')
  assert.deepEqual(sumsIn(refused!), {
    captured: '100.00',
    refunded: '0.00',
    pending: '60.00',
    refundable: '40.00',
  })
})

test('P12: a refund beyond what a return left is refused, and the sums show the returned money', async () => {
  const payment = await captured()
  const { pool } = world.db
  const ledger = openLedger(pool, () => [payment.accountId])
  await runBatch(pool, [returnOf(payment, 3_000n)])
  await ledger.settle()
  await refund(service, token, payment.paymentId, { amount: '50.00' })
  const refused = await refund(service, token, payment.paymentId, { amount: '30.00' })
  assertProblem(refused, 422, 'REFUND_EXCEEDS_CAPTURED')
  assert.deepEqual(
    { ...sumsIn(refused), returned: refused.json['returned'] },
    {
      captured: '100.00',
      refunded: '0.00',
      pending: '50.00',
      returned: '30.00',
      refundable: '20.00',
    },
  )
})

test('P12: 100 parallel refunds of 10.00 on a payment of 100.00: exactly ten 202', async () => {
  const payment = await captured()
  const other = await world.start()
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      refund(index % 2 === 0 ? service : other, token, payment.paymentId, { amount: '10.00' }),
    ),
  )
  assert.equal(replies.filter(({ status }) => status === 202).length, 10)
  const refused = replies.filter(({ status }) => status !== 202)
  for (const reply of refused) assertProblem(reply, 422, 'REFUND_EXCEEDS_CAPTURED')
  assert.equal((await rowsOf(payment.paymentId)).length, 10)
  assert.equal((await findOne(world.db.pool, payment.paymentId)).pendingMinor, 10_000n)
})

test('an amount left out is all that remains; nothing left to refund is refused at once', async () => {
  const payment = await captured()
  await refund(service, token, payment.paymentId, { amount: '99.99' })
  const rest = await refund(service, token, payment.paymentId)
  assert.deepEqual([rest.status, rest.json['amount']], [202, '0.01'])
  for (const body of [{}, { amount: '0.01' }]) {
    const nothing = await refund(service, token, payment.paymentId, body)
    assertProblem(nothing, 422, 'REFUND_EXCEEDS_CAPTURED')
    assert.equal(nothing.json['refundable'], '0.00')
  }
})

test('P12: negative, 10.005, JPY 1.5 and other amounts that are none are refused without residue', async () => {
  const [usd, jpy] = [await captured(), await captured({ currency: 'JPY' })]
  const amounts = ['-10.00', '10.005', '0.00', '0', '', ' 1', '1e2', '1,00', '+1', '0x1', '٣']
  const wrong = [
    ...amounts.map((amount) => [usd, amount] as const),
    [usd, '9'.repeat(400)] as const,
    [usd, 10] as const,
    [usd, null] as const,
    [jpy, '1.5'] as const,
    [jpy, '1.0'] as const,
  ]
  const key = newId()
  for (const [payment, amount] of wrong) {
    const reply = await refund(service, token, payment.paymentId, { amount }, key)
    assertProblem(reply, 400, 'MALFORMED_REQUEST')
  }
  assert.equal(await keysOf(key), 0)
  for (const { paymentId } of [usd, jpy]) {
    assert.deepEqual(await rowsOf(paymentId), [])
    assert.equal((await findOne(world.db.pool, paymentId)).pendingMinor, 0n)
  }
  const right = await refund(service, token, jpy.paymentId, { amount: '15' }, key)
  assert.deepEqual([right.status, right.json['amount']], [202, '15'])
})

test('metadata has 20 members of 500 characters at most, and the reason is one of the list', async () => {
  const payment = await captured()
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, 'x'.repeat(500)]))
  const ask = (body: Record<string, unknown>) => refund(service, token, payment.paymentId, body)
  const wrong = [
    { metadata: many(21) },
    { metadata: { long: 'x'.repeat(501) } },
    { metadata: { number: 1 } },
    { metadata: { nested: { a: 'b' } } },
    { metadata: { 'a\nb': { nested: 'x' } } },
    { metadata: { 'a\nb': 'x'.repeat(501) } },
    { metadata: [] },
    { reason: 'because' },
    { reason: undefined },
    { unknown: true },
  ]
  for (const body of wrong) assertProblem(await ask(body), 400, 'MALFORMED_REQUEST')
  assert.deepEqual(await rowsOf(payment.paymentId), [])
  const most = await ask({ amount: '1.00', metadata: many(20) })
  assert.deepEqual([most.status, most.json['metadata']], [202, many(20)])
})

test('metadata is never interpreted: strange names and values come back as they were sent', async () => {
  const payment = await captured()
  const strange = '{"constructor":"b","":"c","null":"\\u0000","quote":"\\"\\\\"}'
  const body = `{"reason":"other","amount":"1.00","metadata":${strange}}`
  const key = newId()
  const first = await refund(service, token, payment.paymentId, body, key)
  assert.equal(first.status, 202, first.text)
  assert(first.text.includes(strange), first.text)
  const again = await refund(service, token, payment.paymentId, body, key)
  assert.equal(again.text, first.text)
  const url = `${service.url}/v1/refunds/${String(first.json['refund_id'])}`
  assert((await call(url, { token })).text.includes(strange))
})

test('only a captured payment is refundable; a refusal is stored and replayed', async () => {
  const cases = [
    ['PENDING', 'PAYMENT_NOT_REFUNDABLE'],
    ['RESERVED', 'PAYMENT_NOT_REFUNDABLE'],
    ['IN_DOUBT', 'PAYMENT_IN_DOUBT'],
    ['FAILED', 'PAYMENT_NOT_REFUNDABLE'],
  ] as const
  for (const [status, code] of cases) {
    const { paymentId } = await captured()
    const isFailed = status === 'FAILED'
    await world.db.pool.query(
      `UPDATE payments SET status = $2, order_freed = $3, reason = $4, finalized_at = $5
       WHERE payment_id = $1`,
      [paymentId, status, isFailed, isFailed ? 'canceled' : null, isFailed ? new Date() : null],
    )
    const key = newId()
    const first = await refund(service, token, paymentId, {}, key)
    assertProblem(first, 409, code)
    await world.db.pool.query(
      `UPDATE payments SET status = 'COMPLETED', order_freed = false, reason = NULL,
         finalized_at = now() WHERE payment_id = $1`,
      [paymentId],
    )
    const repeat = await refund(service, token, paymentId, {}, key)
    assert.deepEqual([repeat.status, repeat.text], [409, first.text])
    assert.equal(repeat.headers['idempotency-replayed'], 'true')
  }
})

test('the window and the number of refunds of a payment are bounded by configuration', async () => {
  const strict = await world.start({ CAUDAL_REFUND_WINDOW: '24h', CAUDAL_REFUND_MOST: '2' })
  const payment = await captured()
  for (const status of [202, 202]) {
    const reply = await refund(strict, token, payment.paymentId, { amount: '1.00' })
    assert.equal(reply.status, status)
  }
  const limit = await refund(strict, token, payment.paymentId, { amount: '1.00' })
  assertProblem(limit, 422, 'REFUND_LIMIT_REACHED')
  const old = await captured()
  await world.db.pool.query(
    `UPDATE payments SET finalized_at = now() - interval '25 hours' WHERE payment_id = $1`,
    [old.paymentId],
  )
  assertProblem(await refund(strict, token, old.paymentId), 422, 'REFUND_WINDOW_CLOSED')
  assert.equal((await refund(service, token, old.paymentId)).status, 202)
})

test('refunds are asked for by clients with the scope, of payments of their tenant', async () => {
  const payment = await captured()
  const { paymentId, userId } = payment
  const user = await world.peers.userToken(userId)
  assertProblem(await refund(service, user, paymentId), 403, 'FORBIDDEN')
  const reader = await world.peers.serviceToken('payments:read')
  assertProblem(await refund(service, reader, paymentId), 403, 'FORBIDDEN')
  const foreign = await world.peers.serviceToken('refunds:write', { tenant_id: 'other' })
  const key = newId()
  assertProblem(await refund(service, foreign, paymentId, {}, key), 404, 'PAYMENT_NOT_FOUND')
  assertProblem(await refund(service, token, newId(), {}, key), 404, 'PAYMENT_NOT_FOUND')
  assertProblem(await refund(service, token, 'none', {}, key), 404, 'PAYMENT_NOT_FOUND')
  assert.equal(await keysOf(key), 0)
  assertProblem(await refund(service, token, paymentId, {}, 'x'), 400, 'INVALID_IDEMPOTENCY_KEY')
  assert.equal((await findOne(world.db.pool, paymentId)).pendingMinor, 0n)
})

test('P13: metrics show requests for refunds, their states and those that are under way', async () => {
  await refund(service, token, (await captured()).paymentId)
  await refund(service, token, newId())
  const { text } = await call(`${service.url}/metrics`, { token: '' })
  for (const line of [
    /^refund_requests_total\{.*outcome="accepted".*\} \d+/m,
    /^refund_requests_total\{.*outcome="PAYMENT_NOT_FOUND".*\} \d+/m,
    /^refunds_entered_total\{.*status="PENDING",reason="".*\} \d+/m,
    /^refunds_under_way\{.*status="PENDING".*\} [1-9]\d*$/m,
    /^refunds_under_way\{.*status="IN_DOUBT".*\} \d+$/m,
    /^refunds_under_way_oldest_seconds\{.*status="PENDING".*\} [\d.]+/m,
  ]) {
    assert(line.test(text), `no line ${line}`)
  }
})

test('the same key of two clients names two refunds', async () => {
  const payment = await captured()
  const key = newId()
  const other = await world.peers.serviceToken('refunds:write', { sub: 'shop', client_id: 'shop' })
  const replies = [
    await refund(service, token, payment.paymentId, { amount: '1.00' }, key),
    await refund(service, other, payment.paymentId, { amount: '1.00' }, key),
  ]
  assert.deepEqual(
    replies.map(({ status }) => status),
    [202, 202],
  )
  assert.notEqual(replies[0]?.json['refund_id'], replies[1]?.json['refund_id'])
})

test('a refund is read by its user and by clients of the tenant; others find none', async () => {
  const payment = await captured()
  const ids: unknown[] = []
  for (let index = 0; index < 5; index += 1) {
    const reply = await refund(service, token, payment.paymentId, { amount: '1.00' })
    ids.unshift(reply.json['refund_id'])
  }
  const own = await world.peers.userToken(payment.userId)
  const one = `${service.url}/v1/refunds/${String(ids[0])}`
  const list = `${service.url}/v1/payments/${payment.paymentId}/refunds`
  for (const reader of [own, token]) {
    assert.equal((await call(one, { token: reader })).json['refund_id'], ids[0])
    const first = await call(`${list}?limit=3`, { token: reader })
    const next = await call(`${list}?limit=3&cursor=${String(first.json['next_cursor'])}`, {
      token: reader,
    })
    const found = [first, next].flatMap(({ json }) => json['data'] as { refund_id: string }[])
    assert.deepEqual(
      found.map(({ refund_id }) => refund_id),
      ids,
    )
    assert.deepEqual([first.json['has_more'], next.json['has_more']], [true, false])
  }
  const stranger = await world.peers.userToken(newId())
  const foreign = await world.peers.serviceToken('payments:read', { tenant_id: 'other' })
  for (const reader of [stranger, foreign]) {
    assertProblem(await call(one, { token: reader }), 404, 'REFUND_NOT_FOUND')
    assertProblem(await call(list, { token: reader }), 404, 'PAYMENT_NOT_FOUND')
  }
  assertProblem(await call(`${service.url}/v1/refunds/1`, { token }), 404, 'REFUND_NOT_FOUND')
})

test('a refund that failed shows why, and its amount can be refunded again', async () => {
  const payment = await captured()
  const reply = await refund(service, token, payment.paymentId)
  const refundId = String(reply.json['refund_id'])
  const it = refundEventsOf(await findRefundRow(world.db.pool, refundId))
  await runBatch(world.db.pool, [it.submitted(), it.failed()])
  const { json } = await call(`${service.url}/v1/refunds/${refundId}`, { token })
  assert.deepEqual(
    [json['status'], json['failure_reason'], json['version']],
    ['FAILED', 'gateway_declined', 3],
  )
  assert.equal((await refund(service, token, payment.paymentId)).status, 202)
})
