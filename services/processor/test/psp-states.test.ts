import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { startAsyncbank } from './start-asyncbank.ts'
import { startIdentity } from './start-identity.ts'
import { fileScope, fundsReserved, refundRequested, world } from './world.ts'

const scope = fileScope(after)
const [asyncbank, identity] = [await startAsyncbank(scope), await startIdentity(scope)]
const ROUTES = [
  { tenant: 'b', service: 'Water', psps: ['asyncbank', 'main'] },
  { service: 'Water', psps: ['asyncbank', 'main'] },
  { tenant: 'a', service: 'Gas', psps: ['asyncbank'] },
]
const it = await world(scope, {
  CAUDAL_IDENTITY_URL: identity.url,
  CAUDAL_PSPS: 'asyncbank',
  ...asyncbank.env,
  CAUDAL_PSP_ROUTES: JSON.stringify(ROUTES),
  CAUDAL_PSP_CIRCUIT_WAIT: '500ms',
  CAUDAL_PSP_REFUSED_PAUSE: '200ms',
})

async function ask(
  { url }: RunningService,
  path: string,
  granted: string,
  body?: Record<string, unknown>,
) {
  const method = body === undefined ? 'GET' : 'PUT'
  const token = await identity.token(granted, 'ana')
  const { status, json } = await call(`${url}${path}`, { method, token, body })
  return { status, body: json() }
}

const CHANGING = 'psps:write tenants:any'

const set = (service: RunningService, psp: string, state: string) =>
  ask(service, `/v1/psps/${psp}/state`, CHANGING, { state, reason: 'a test' })

async function started(t: TestContext): Promise<RunningService> {
  const service = await it.start()
  t.after(async () => {
    for (const psp of ['main', 'asyncbank']) await set(service, psp, 'enabled')
    await service.stop()
  })
  return service
}

function paymentTo(name: string, account?: string, tenant = 'caudal'): FundsReserved {
  const event = fundsReserved(account, { tenant_id: tenant })
  event.payment_data.service_name = name
  return event
}

async function endOf(event: FundsReserved): Promise<string> {
  const end = await it.final(event.payment_id)
  return end.event_type === 'payment.completed' ? (end.psp ?? '') : end.event_type
}

test('PSPs are listed with their adapters, states and tenants, for the scope alone', async (t) => {
  const service = await started(t)
  const { status, body } = await ask(service, '/v1/psps', 'psps:read')
  const common = { accounts: ['main'], state: 'enabled', tenants: ['*'] }
  assert.deepEqual(
    [status, body],
    [
      200,
      {
        psps: [
          { psp: 'main', adapter: 'syncbank', ...common },
          { psp: 'asyncbank', adapter: 'asyncbank', ...common },
        ],
      },
    ],
  )
  assert.equal((await ask(service, '/v1/psps', 'psps:write')).body['code'], 'FORBIDDEN')
  const path = '/v1/psps/main/state'
  const wish = { state: 'draining', reason: 'a test' }
  // A PSP is that of all tenants.
  for (const granted of ['psps:read tenants:any', 'psps:write']) {
    assert.equal((await ask(service, path, granted, wish)).body['code'], 'FORBIDDEN', granted)
  }
  assert.equal((await set(service, 'unknown', 'enabled')).body['code'], 'PSP_NOT_FOUND')
  for (const bad of [{ state: 'off' }, { reason: '' }, { reason: undefined }]) {
    const refused = await ask(service, path, CHANGING, { ...wish, ...bad })
    assert.equal(refused.status, 400, JSON.stringify(bad))
  }
})

test('a change is recorded once, and every instance follows it without a restart', async (t) => {
  const [first, second] = [await started(t), await it.start()]
  t.after(() => second.stop())
  const changed = await set(first, 'asyncbank', 'draining')
  assert.deepEqual([changed.status, changed.body['state']], [200, 'draining'])
  assert.equal((await set(first, 'asyncbank', 'draining')).status, 200)
  const { rows } = await it.db.query(
    `SELECT psp, state, reason, actor_type, actor_id FROM psp_state_changes ORDER BY change_id`,
  )
  const made = { psp: 'asyncbank', state: 'draining', reason: 'a test' }
  assert.deepEqual(rows, [{ ...made, actor_type: 'client', actor_id: 'ana' }])
  const { body } = await ask(second, '/v1/psps', 'psps:read')
  assert.equal((body['psps'] as { state: string }[])[1]?.state, 'draining')
  const events = Array.from({ length: 20 }, () => paymentTo('Water'))
  // The other instance reads the states within a second, and may be the one that consumes.
  await eventually(async () => {
    const probe = paymentTo('Water')
    await it.reserve([probe])
    return (await endOf(probe)) === 'main'
  })
  await it.reserve(events)
  for (const event of events) assert.equal(await endOf(event), 'main')
})

test('the history of a PSP shows who changed its state, why and when, the newest first', async (t) => {
  const service = await started(t)
  const change = (state: string, reason: string) =>
    ask(service, '/v1/psps/main/state', 'psps:write tenants:any', { state, reason })
  for (const [state, reason] of [
    ['draining', 'the bank moves its data center'],
    ['disabled', 'it has begun'],
    ['enabled', 'it is over'],
  ] as const) {
    assert.equal((await change(state, reason)).status, 200)
  }
  const path = '/v1/psps/main/changes?limit=2'
  const { status, body } = await ask(service, path, 'psps:read')
  assert.equal(status, 200)
  const page = body['data'] as Record<string, unknown>[]
  const actor = { type: 'client', id: 'ana' }
  const made = page.map(({ changed_at: changedAt, ...one }) => {
    assert.ok(Date.parse(String(changedAt)) > 0)
    return one
  })
  assert.deepEqual(made, [
    { state: 'enabled', reason: 'it is over', actor },
    { state: 'disabled', reason: 'it has begun', actor },
  ])
  const next = `${path}&cursor=${String(body['next_cursor'])}`
  const rest = (await ask(service, next, 'psps:read')).body['data'] as Record<string, unknown>[]
  assert.equal(rest[0]?.['reason'], 'the bank moves its data center')
  assert.equal((await ask(service, path, 'psps:write')).body['code'], 'FORBIDDEN')
  const unknown = await ask(service, '/v1/psps/unknown/changes', 'psps:read')
  assert.equal(unknown.body['code'], 'PSP_NOT_FOUND')
})

test('P5: a draining PSP takes no new payments, while its doubt and its refunds go on', async (t) => {
  const service = await started(t)
  await asyncbank.behave({
    by_account: { lost: 'apply_then_reset' },
    by_operation: { query: 'reset' },
  })
  const [paid, doubtful] = [paymentTo('Gas', undefined, 'a'), paymentTo('Water', 'lost')]
  await it.reserve([doubtful])
  await eventually(async () => (await it.resultsOf(doubtful.payment_id)).length === 1)
  await asyncbank.behave({})
  await it.reserve([paid])
  assert.equal(await endOf(paid), 'asyncbank')
  await asyncbank.behave({ by_operation: { query: 'reset' } })
  await set(service, 'asyncbank', 'draining')
  const [moved, alone] = [paymentTo('Water'), paymentTo('Gas', undefined, 'a')]
  await it.reserve([moved, alone])
  assert.equal(await endOf(moved), 'main')
  assert.equal(await endOf(alone), 'payment.failed.gateway_unreachable')
  assert.equal((await asyncbank.list('charges', alone.payment_id)).length, 0)
  await asyncbank.behave({})
  assert.equal(await endOf(doubtful), 'asyncbank')
  const refund = refundRequested(paid, '3.00')
  await it.refund([refund])
  await eventually(async () => (await asyncbank.list('refunds', paid.payment_id)).length === 1)
})

test('P5: a disabled PSP gets the repeats that stand in for status queries, so doubt ends', async (t) => {
  const service = await started(t)
  // Its id of the payment is in the answer that is lost, so it can be asked by a repeat only.
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset' } })
  const doubtful = paymentTo('Gas', 'lost', 'a')
  await it.reserve([doubtful])
  await eventually(async () => (await it.resultsOf(doubtful.payment_id)).length === 1)
  await set(service, 'asyncbank', 'disabled')
  await asyncbank.behave({})
  assert.equal(await endOf(doubtful), 'asyncbank')
  assert.equal((await asyncbank.list('charges', doubtful.payment_id)).length, 1)
})

test('E7: nothing is sent to a disabled PSP, while queries of doubt go on', async (t) => {
  const service = await started(t)
  const paid = paymentTo('Gas', undefined, 'a')
  await it.reserve([paid])
  assert.equal(await endOf(paid), 'asyncbank')
  // It is accepted, and its verdict is asked for later.
  await asyncbank.behave({ settle_ms: 1_500 })
  const accepted = paymentTo('Gas', undefined, 'a')
  await it.reserve([accepted])
  await eventually(async () => {
    const { rows } = await it.db.query(
      `SELECT FROM payments WHERE payment_id = $1 AND step = 'query_further'`,
      [accepted.payment_id],
    )
    return rows.length === 1
  })
  await set(service, 'asyncbank', 'disabled')
  const refund = refundRequested(paid, '3.00')
  await it.refund([refund])
  assert.equal(await endOf(accepted), 'asyncbank')
  assert.deepEqual(await it.refundResults(refund.refund_id), [])
  assert.equal((await asyncbank.list('refunds', paid.payment_id)).length, 0)
  await asyncbank.behave({})
  await set(service, 'asyncbank', 'enabled')
  await eventually(async () => (await asyncbank.list('refunds', paid.payment_id)).length === 1)
})
