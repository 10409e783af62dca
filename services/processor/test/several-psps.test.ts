import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { cancelOperation } from '../src/calls/cancel-operation.ts'
import { createObserver } from '../src/calls/observe.ts'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, fundsReserved, refundRequested, world } from './world.ts'

const scope = fileScope(after)
const asyncbank = await startAsyncbank(scope)
const ROUTES = [
  { tenant: 'other', psps: ['asyncbank'] },
  { service: 'Water', psps: ['asyncbank', 'main'] },
  { service: 'Gas', psps: ['dead', 'asyncbank'] },
  { service: 'Internet', psps: ['dead'] },
  { currency: 'EUR', psps: ['asyncbank'] },
]
const it = await world(scope, {
  CAUDAL_PSPS: 'asyncbank,dead',
  ...asyncbank.env,
  CAUDAL_PSP_ASYNCBANK_SOURCE_ACCOUNTS: '{"default":"777"}',
  CAUDAL_PSP_DEAD_ADAPTER: 'syncbank',
  CAUDAL_PSP_DEAD_URL: 'http://127.0.0.1:9',
  CAUDAL_PSP_ROUTES: JSON.stringify(ROUTES),
})

/** A payment to a service; `account` decides how the PSPs behave. */
function paymentTo(service: string, account?: string, currency = 'USD'): FundsReserved {
  const event = fundsReserved(account)
  event.payment_data.service_name = service
  event.payment_data.currency = currency
  event.account_id = accountIdOf('caudal', event.user_id, currency)
  return event
}

const logger = createLogger({ service: 'processor', level: 'silent' })
const observer = createObserver({ logger, metrics: createMetrics('processor') })

function cancel({ payment_id: requestId, tenant_id: tenantId }: FundsReserved) {
  const canceling = { db: it.db, region: 'local', observer, wakeRelay: () => {} }
  const actor = { type: 'client', id: 'payments' } as const
  return cancelOperation(canceling, { kind: 'pay', requestId, tenantId }, actor)
}

type Row = { psp: string | null; request_body: Buffer; attempts: string[]; status: string }

async function rowOf({ payment_id: id }: FundsReserved): Promise<Row> {
  const { rows } = await it.db.query<Row>(
    `SELECT psp, request_body, status, ARRAY(
       SELECT a.status FROM attempts a WHERE a.payment_id = p.payment_id ORDER BY number
     ) AS attempts
     FROM payments p WHERE payment_id = $1`,
    [id],
  )
  assert.ok(rows[0])
  return rows[0]
}

/** The payment completes at the PSP, which alone has charged it. */
async function completesAt(psp: 'main' | 'asyncbank', event: FundsReserved): Promise<void> {
  const end = await it.final(event.payment_id)
  assert.ok(end.event_type === 'payment.completed', end.event_type)
  assert.equal(end.psp, psp)
  assert.equal((await rowOf(event)).psp, psp)
  const charges = await asyncbank.list('charges', event.payment_id)
  assert.equal(charges.length, psp === 'asyncbank' ? 1 : 0)
  assert.equal(await it.charges(event.payment_id), psp === 'main' ? 1 : 0)
}

test('P5: a payment goes to the PSP of its tenant, service and currency, with the bytes for it', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  const euro = paymentTo('Electricity', undefined, 'EUR')
  const tenant = { ...paymentTo('Electricity'), tenant_id: 'other' }
  const water = paymentTo('Water')
  const usual = paymentTo('Electricity')
  await it.reserve([euro, tenant, water, usual])
  for (const event of [euro, tenant, water]) await completesAt('asyncbank', event)
  await completesAt('main', usual)
  const form = new URLSearchParams((await rowOf(water)).request_body.toString())
  assert.deepEqual([form.get('amount'), form.get('from')], ['1000', '777'])
  assert.match((await rowOf(usual)).request_body.toString(), /"amount":"10.00"/)
})

test('refunds and voids go to the PSP of their payment', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  const [water, usual] = [paymentTo('Water'), paymentTo('Electricity')]
  await it.reserve([water, usual])
  await it.finals([water, usual])
  const [part, whole] = [refundRequested(water, '4.00'), refundRequested(usual, '10.00')]
  await it.refund([part, whole])
  for (const [refund, psp] of [[part, 'asyncbank'] as const, [whole, 'main'] as const]) {
    const end = await eventually(async () =>
      (await it.refundResults(refund.refund_id)).find(
        ({ event_type: type }) => type === 'refund.succeeded',
      ),
    )
    assert.ok(end.event_type === 'refund.succeeded')
    assert.equal(end.psp, psp)
  }
  assert.equal((await asyncbank.list('refunds', water.payment_id)).length, 1)
})

test('P5, E7: a payment of which nothing left goes on to the next PSP, also where it waited', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  const events = Array.from({ length: 40 }, () => paymentTo('Gas'))
  await it.reserve(events)
  await it.finals(events)
  for (const event of events) await completesAt('asyncbank', event)
  const [first] = events
  const { attempts, request_body: body } = await rowOf(first!)
  assert.deepEqual(
    attempts.slice(0, -1),
    attempts.slice(0, -1).map(() => 'NOT_SENT'),
  )
  assert.match(body.toString(), /^ref=[0-9a-f]{32}&kind=pay&/)
})

test('a payment without another PSP fails if nothing of it could be sent', async (t) => {
  const service = await it.start({ CAUDAL_PSP_RETRY_BASE: '1ms', CAUDAL_PSP_CIRCUIT_WAIT: '500ms' })
  t.after(() => service.stop())
  const event = paymentTo('Internet')
  await it.reserve([event])
  const { event_type: type } = await it.final(event.payment_id)
  assert.match(type, /^payment\.failed\.(gateway_unreachable|circuit_open)$/)
})

test('rule 9: a payment that may have left stays at its PSP, whatever happens', async (t) => {
  const reverse = JSON.stringify([{ service: 'Water', psps: ['main', 'asyncbank'] }])
  await it.behave({ by_account: { stuck: 'hang' } })
  const service = await it.start({ CAUDAL_PSP_ROUTES: reverse })
  t.after(() => service.stop())
  const event = paymentTo('Water', 'stuck')
  await it.reserve([event])
  await eventually(async () => (await it.resultsOf(event.payment_id)).length === 1)
  const { rows } = await it.db.query('SELECT count(*)::int AS moved FROM move_payments($1, $2)', [
    [event.payment_id],
    ['asyncbank'],
  ])
  assert.deepEqual(rows, [{ moved: 0 }])
  await it.behave({})
  await completesAt('main', event)
})

test('P12: a payment of any PSP that is canceled before it arrives is never sent, after a restart too', async (t) => {
  const [service, events] = [
    await it.start(),
    ['Electricity', 'Water', 'Gas'].map((to) => paymentTo(to)),
  ]
  for (const event of events) assert.equal(await cancel(event), 'canceled')
  await service.stop()
  await it.reserve(events)
  const next = await it.start()
  t.after(() => next.stop())
  const others = events.map((event) => ({ ...event, payment_id: newId(), event_id: newId() }))
  // Behind the events in their partitions.
  await it.reserve(others)
  await it.finals(others)
  for (const event of events) {
    const types = (await it.resultsOf(event.payment_id)).map(({ event_type: type }) => type)
    assert.deepEqual(types, ['payment.canceled'])
    assert.equal(await it.requests(event.payment_id), 0)
    assert.equal((await asyncbank.list('charges', event.payment_id)).length, 0)
    assert.equal(await cancel(event), 'canceled')
  }
  for (const other of others) assert.equal(await cancel(other), 'too_late')
})

test('payments that an instance with one PSP recorded go to the default one', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  const [waiting, doubtful] = [paymentTo('Electricity'), paymentTo('Electricity', 'stuck')]
  await it.behave({ by_account: { stuck: 'apply_then_hang' } })
  await it.reserve([doubtful])
  await eventually(async () => (await it.resultsOf(doubtful.payment_id)).length === 1)
  await service.stop()
  await it.db.query(`UPDATE payments SET psp = NULL WHERE payment_id = $1`, [doubtful.payment_id])
  const alone = await it.start({ CAUDAL_PSPS: '', CAUDAL_PSP_ROUTES: '', CAUDAL_PSP_DRAIN: '0ms' })
  await it.reserve([waiting])
  await alone.stop()
  const again = await it.start()
  t.after(() => again.stop())
  await completesAt('main', waiting)
  await completesAt('main', doubtful)
})
