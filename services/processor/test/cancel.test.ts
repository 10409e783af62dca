import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { cancelOperation } from '../src/calls/cancel-operation.ts'
import { createObserver } from '../src/calls/observe.ts'
import type { CancelResult } from '../src/domain/decide-cancel.ts'
import { smallPsp } from './small-psp.ts'
import { fileScope, fundsReserved, refundRequested, world } from './world.ts'

const scope = fileScope(after)
const psp = await smallPsp(scope)
const it = await world(scope, { CAUDAL_PSP_URL: psp.url })
await it.start()
const logger = createLogger({ service: 'processor', level: 'silent' })
const deps = {
  db: it.db,
  region: 'local',
  observer: createObserver({ logger, metrics: createMetrics('processor') }),
  wakeRelay: () => {},
}

function cancel(kind: 'pay' | 'refund', requestId: string, tenantId = 'caudal') {
  const actor = { type: 'client', id: 'payments' } as const
  return cancelOperation(deps, { kind, requestId, tenantId }, actor)
}

async function pay(event: FundsReserved): Promise<void> {
  await it.reserve([event])
  await it.final(event.payment_id)
}

const CANCELED: CancelResult = 'canceled'
const TOO_LATE: CancelResult = 'too_late'

test('a payment that is canceled before its funds are held is never sent, and emits it once', async () => {
  const event = fundsReserved()
  assert.equal(await cancel('pay', event.payment_id), CANCELED)
  assert.equal(await cancel('pay', event.payment_id), CANCELED)
  const other = fundsReserved(undefined, {
    account_id: event.account_id,
    user_id: event.user_id,
  })
  await it.reserve([event, { ...event, event_id: newId() }])
  await it.reserve([{ ...event, event_id: newId() }, other])
  await it.final(other.payment_id)
  const results = await it.resultsOf(event.payment_id)
  assert.deepEqual(
    results.map(({ event_type }) => event_type),
    ['payment.canceled'],
  )
  const [canceled] = results
  assert(canceled?.event_type === 'payment.canceled')
  const { amount, currency, wallet_transaction_id: hold } = canceled
  assert.deepEqual([amount, currency, hold], ['10.00', 'USD', event.wallet_transaction_id])
  assert.equal(psp.seen.filter(({ id }) => id === event.payment_id).length, 0)
  assert.equal(await cancel('pay', event.payment_id), CANCELED)
})

test('a payment that was sent cannot be canceled, nor can that of another tenant', async () => {
  const event = fundsReserved()
  await pay(event)
  assert.equal(await cancel('pay', event.payment_id), TOO_LATE)
  assert.equal(await cancel('pay', event.payment_id, 'other'), TOO_LATE)
  const results = await it.resultsOf(event.payment_id)
  assert.deepEqual(
    results.map(({ event_type }) => event_type),
    ['payment.completed'],
  )
})

test('a refund that is canceled before it arrives is never sent, and emits it once', async () => {
  const payment = fundsReserved()
  await pay(payment)
  const refund = refundRequested(payment, '10.00')
  assert.equal(await cancel('refund', refund.refund_id), CANCELED)
  const next = refundRequested(payment, '10.00')
  await it.refund([refund, { ...refund, event_id: newId() }, next])
  const finalOf = async (id: string) => (await it.refundResults(id)).at(-1)?.event_type
  await eventually(async () => (await finalOf(next.refund_id)) === 'refund.succeeded')
  const results = await it.refundResults(refund.refund_id)
  assert.deepEqual(
    results.map(({ event_type }) => event_type),
    ['refund.canceled'],
  )
  assert.equal(psp.movedBack(payment.payment_id), 1000n)
  assert.equal(await cancel('refund', next.refund_id), TOO_LATE)
})
