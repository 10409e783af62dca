import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { PaymentEvent } from '../src/domain/evolve.ts'
import { eventsOf, pendingPayment } from './stories.ts'
import { call, createWorld, logger, pay, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let log: EventLog

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  log = await openEventLog({ serverUrl: world.log.url, url: world.log.url }, logger)
  scope.after(() => log.close())
})

/** An accepted payment, and all events of other services about it. */
async function accepted(userId = newId()) {
  const token = await world.peers.userToken(userId)
  const order = world.peers.addOrder(userId).external_order_id
  const reply = await pay(service, token, order)
  assert.equal(reply.status, 202, reply.text)
  const paymentId = String(reply.json['payment_id'])
  const url = `${service.url}/v1/payments/${paymentId}`
  const accountId = accountIdOf('caudal', userId, 'USD')
  const events = eventsOf(pendingPayment({ paymentId, userId, accountId, externalOrderId: order }))
  return { userId, token, order, paymentId, url, events, reply }
}

type Accepted = Awaited<ReturnType<typeof accepted>>

function topicOf(event: PaymentEvent) {
  if (event.event_type === 'funds.reserved') return TOPICS.fundsReserved
  return event.event_type === 'funds.released' ? TOPICS.fundsReleased : TOPICS.paymentsResults
}

function publish(...events: PaymentEvent[]): Promise<void> {
  return log.append(
    events.map((event) => ({
      topic: topicOf(event),
      key: event.account_id,
      value: serializeEvent(event),
      headers: {},
    })),
  )
}

function becomes({ url, token }: Accepted, status: string) {
  return eventually(
    async () => {
      const { json } = await call(url, { token })
      return json['status'] === status && json
    },
    { label: `the payment is ${status}` },
  )
}

async function eventsInLog(topic: string, paymentId: string) {
  const { rows } = await world.log.pool.query<{ value: string }>(
    `SELECT value FROM log_records
     WHERE topic = $1 AND value::jsonb ->> 'payment_id' = $2 ORDER BY record_offset`,
    [topic, paymentId],
  )
  return rows.map(({ value }) => readEvent(value))
}

function finalizedInLog(paymentId: string) {
  return eventually(
    async () => {
      const events = await eventsInLog(TOPICS.paymentsFinalized, paymentId)
      return events.length > 0 && events
    },
    { label: 'payment.finalized is published' },
  )
}

async function stepsOf(paymentId: string, claims = {}): Promise<string[]> {
  const token = await world.peers.serviceToken('trace:read', claims)
  const { json } = await call(`${service.url}/internal/payments/${paymentId}/steps`, { token })
  return (json['steps'] as { step: string }[]).map(({ step }) => step)
}

test('a payment from request to COMPLETED is finalized once and has all its steps (P3, P11)', async () => {
  const payment = await accepted()
  const { paymentId, events } = payment
  await eventually(async () => {
    const requested = await eventsInLog(TOPICS.paymentsRequested, paymentId)
    return requested.length === 1
  })
  await publish(events.reserved())
  const reserved = await becomes(payment, 'RESERVED')
  await publish(events.inDoubt())
  await becomes(payment, 'IN_DOUBT')
  const completed = events.completed()
  await publish(completed, completed)
  const view = await becomes(payment, 'COMPLETED')
  assert.deepEqual(view, {
    payment_id: paymentId,
    status: 'COMPLETED',
    external_order_id: payment.order,
    amount: '100.50',
    currency: 'USD',
    service_name: 'Water',
    reason: null,
    created_at: payment.reply.json['created_at'],
    updated_at: view['updated_at'],
  })
  assert(String(view['updated_at']) > String(reserved['updated_at']))
  const [event, ...others] = await finalizedInLog(paymentId)
  assert(event && 'event_type' in event && event.event_type === 'payment.finalized')
  assert.equal(event.status, 'COMPLETED')
  assert.equal(event.reason, null)
  assert.deepEqual(others, [])
  assert.deepEqual(await stepsOf(paymentId), [
    'payment.requested',
    'payment.reserved',
    'payment.in_doubt',
    'payment.completed',
  ])
  assert.deepEqual(await stepsOf(paymentId, { tenant_id: 'other' }), [])
})

test('a payment becomes FAILED and its order free only after the hold is released (rule 2)', async () => {
  const payment = await accepted()
  const { events, token, order, paymentId } = payment
  await publish(events.reserved(), events.failed('gateway_unavailable'))
  const reserved = await becomes(payment, 'RESERVED')
  assert.equal(reserved['reason'], null)
  const key = newId()
  const refused = await pay(service, token, order, { key })
  assert.equal(refused.json['code'], 'ORDER_PAYMENT_IN_PROGRESS')
  await publish(events.released('gateway_unavailable'))
  const failed = await becomes(payment, 'FAILED')
  assert.equal(failed['reason'], 'gateway_unavailable')
  const [event] = await finalizedInLog(paymentId)
  assert(event && 'event_type' in event && event.event_type === 'payment.finalized')
  assert.equal(event.reason, 'gateway_unavailable')
  assert.equal((await pay(service, token, order, { key })).text, refused.text)
  assert.equal((await pay(service, token, order)).status, 202)
  assert.deepEqual(await stepsOf(paymentId), [
    'payment.requested',
    'payment.reserved',
    'payment.failed',
  ])
})

test('a refusal by the wallet is final at once', async () => {
  const payment = await accepted()
  await publish(payment.events.insufficient())
  const failed = await becomes(payment, 'FAILED')
  assert.equal(failed['reason'], 'insufficient_funds')
  await finalizedInLog(payment.paymentId)
})

test('an event of an unknown payment is parked and counted, without delaying others (rule 11)', async () => {
  const stranger = pendingPayment()
  await publish(eventsOf(stranger).reserved())
  const payment = await accepted()
  await publish(payment.events.reserved())
  await becomes(payment, 'RESERVED')
  const ready = await eventually(async () => {
    const { json } = await call(`${service.url}/readyz`, { token: '' })
    return json['status'] === 'degraded' && json
  })
  const checks = ready['checks'] as Record<string, unknown>
  assert.deepEqual(checks['parked_records'], { status: 'warn', detail: '1 waiting' })
  assert.deepEqual(checks['database'], { status: 'ok' })
})

test('rule 11: events of unknown payments keep no other payment of their account waiting', async () => {
  const userId = newId()
  const stranger = pendingPayment({ userId, accountId: accountIdOf('caudal', userId, 'USD') })
  const lost = eventsOf(stranger)
  // As after a restore of this service to an earlier state: the log has events of lost payments.
  await publish(lost.reserved(), lost.failed(), lost.released())
  const parked = () =>
    world.db.pool.query('SELECT FROM parked_records WHERE value LIKE $1 AND resolved_at IS NULL', [
      `%${stranger.paymentId}%`,
    ])
  await eventually(async () => (await parked()).rowCount === 3)
  const completed = await accepted(userId)
  assert.equal(completed.events.reserved().account_id, lost.reserved().account_id)
  await publish(completed.events.reserved())
  await becomes(completed, 'RESERVED')
  await publish(completed.events.completed())
  await becomes(completed, 'COMPLETED')
  const failed = await accepted(userId)
  await publish(failed.events.reserved(), failed.events.failed(), failed.events.released())
  await becomes(failed, 'FAILED')
  assert.equal((await parked()).rowCount, 3)
})

test('a restart at any moment loses nothing and repeats nothing (P9)', async () => {
  const other = await world.start()
  const payments = await Promise.all(Array.from({ length: 20 }, () => accepted()))
  await publish(...payments.map(({ events }) => events.reserved()))
  await service.stop()
  await publish(...payments.map(({ events }) => events.completed()))
  for (const { paymentId, token } of payments) {
    const url = `${other.url}/v1/payments/${paymentId}`
    await becomes({ ...payments[0]!, url, token }, 'COMPLETED')
    assert.equal((await finalizedInLog(paymentId)).length, 1)
  }
  service = other
})

test('a payment is found only by its owner, and malformed ids are not found', async () => {
  const { paymentId, url, token } = await accepted()
  const stranger = await world.peers.userToken(newId())
  const { peers } = world
  const reader = await peers.serviceToken('payments:read')
  const elsewhere = await peers.serviceToken('payments:read', { tenant_id: 'other' })
  const writer = await peers.serviceToken('payments:write')
  const status = async (address: string, as: string) => (await call(address, { token: as })).status
  assert.equal(await status(url, token), 200)
  assert.equal(await status(`${service.url}/v1/payments/${paymentId.toUpperCase()}`, token), 200)
  assert.equal(await status(url, reader), 200)
  assert.equal(await status(url, stranger), 404)
  assert.equal(await status(url, elsewhere), 404)
  assert.equal(await status(url, writer), 403)
  const malformed = await call(`${service.url}/v1/payments/abc`, { token })
  assert.equal(malformed.status, 404)
  assert.equal(malformed.json['code'], 'PAYMENT_NOT_FOUND')
})

test('payments are listed newest first, page by page, each once', async () => {
  const userId = newId()
  const made: string[] = []
  for (let index = 0; index < 7; index += 1) made.push((await accepted(userId)).paymentId)
  const token = await world.peers.userToken(userId)
  const page = async (query: string, as = token, headers = {}) =>
    call(`${service.url}/v1/payments${query}`, { token: as, headers })
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json } = await page(`?limit=3${cursor && `&cursor=${cursor}`}`)
    const data = json['data'] as { payment_id: string; reason: null }[]
    seen.push(...data.map((one) => one.payment_id))
    assert.equal(json['has_more'], json['next_cursor'] !== null)
    cursor = json['next_cursor'] as string | null
  }
  assert.deepEqual(seen, made.toReversed())
  const reader = await world.peers.serviceToken('payments:read')
  assert.equal((await page('', reader)).status, 400)
  const behalf = await page('', reader, { 'x-on-behalf-of': userId })
  assert.equal((behalf.json['data'] as unknown[]).length, 7)
  for (const query of ['?limit=0', '?limit=101', '?limit=-1', '?limit=x']) {
    const { json } = await page(query)
    assert.equal(json['code'], 'MALFORMED_REQUEST', query)
  }
})

test('a changed cursor of payments, and that of another user or tenant, is refused', async () => {
  const [userId, otherId] = [newId(), newId()]
  for (const id of [userId, userId, otherId]) await accepted(id)
  const reader = await world.peers.serviceToken('payments:read')
  const list = (query: string, token: string, headers = {}) =>
    call(`${service.url}/v1/payments${query}`, { token, headers })
  const behalf = { 'x-on-behalf-of': userId }
  const token = await world.peers.userToken(userId)
  for (const [as, headers] of [
    [token, {}],
    [reader, behalf],
  ] as const) {
    const { json } = await list('?limit=1', as, headers)
    const cursor = String(json['next_cursor'])
    const position = { created_at: '2026-01-01T00:00:00.000Z', payment_id: newId() }
    const plain = Buffer.from(JSON.stringify(position)).toString('base64url')
    for (const changed of [plain, ...changedCursors(cursor)]) {
      const refused = await list(`?cursor=${changed}`, as, headers)
      assert.equal(refused.status, 400, changed)
      assert.equal(refused.json['param'], 'cursor')
    }
    const others = [
      await list(`?cursor=${cursor}`, await world.peers.userToken(otherId)),
      await list(`?cursor=${cursor}`, reader, { 'x-on-behalf-of': otherId }),
    ]
    for (const refused of others) assert.equal(refused.json['code'], 'MALFORMED_REQUEST')
    const rest = await list(`?cursor=${cursor}`, as, headers)
    assert.equal((rest.json['data'] as unknown[]).length, 1)
  }
})

test('metrics show requests, states and open payments, and OpenAPI describes the API (P13)', async () => {
  const payment = await accepted()
  await publish(payment.events.insufficient())
  await becomes(payment, 'FAILED')
  const { text } = await call(`${service.url}/metrics`, { token: '' })
  for (const line of [
    /^payment_requests_total\{.*outcome="accepted".*\} \d+/m,
    /^payments_entered_total\{.*status="FAILED",reason="insufficient_funds".*\} \d+/m,
    /^payments_under_way\{.*status="PENDING".*\} \d+/m,
    /^payments_under_way_oldest_seconds\{.*status="PENDING".*\} [\d.]+/m,
    /^http_request_duration_seconds_bucket\{.*route="\/v1\/payments".*\}/m,
  ]) {
    assert(line.test(text), `no line ${line}`)
  }
  const { json } = await call(`${service.url}/openapi.json`, { token: '' })
  const paths = json['paths'] as Record<string, unknown>
  assert.deepEqual(Object.keys(paths).toSorted(), [
    '/internal/payments/{payment_id}/steps',
    '/internal/payments/{payment_id}/waits',
    '/v1/blocked-destinations/unblock',
    '/v1/cases',
    '/v1/ops/payments',
    '/v1/ops/payments/{payment_id}',
    '/v1/payments',
    '/v1/payments/{payment_id}',
    '/v1/payments/{payment_id}/cancel',
    '/v1/payments/{payment_id}/refunds',
    '/v1/payments/{payment_id}/returns',
    '/v1/refunds/{refund_id}',
    '/v1/refunds/{refund_id}/cancel',
    '/v1/returns',
  ])
  const { post } = paths['/v1/payments'] as { post: { parameters: { name: string }[] } }
  assert.deepEqual(
    post.parameters.map(({ name }) => name),
    ['idempotency-key', 'x-on-behalf-of', 'x-trace-id', 'traceparent'],
  )
})
