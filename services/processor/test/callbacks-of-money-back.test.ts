import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { disputeIdOf, foundRefundIdOf, returnIdOf, reversalIdOf } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { cancelOperation } from '../src/calls/cancel-operation.ts'
import { createObserver } from '../src/calls/observe.ts'
import { call } from './call.ts'
import { statesOf, storiesOf, typesOf } from './callback-stories-of.ts'
import { about, callbackWorld } from './callback-world.ts'
import { fileScope, fundsReserved, refundRequested, type RefundResult } from './world.ts'

// Long enough for answers that are slow on purpose.
const it = await callbackWorld(fileScope(after), { CAUDAL_PSP_TIMEOUT: '8s' })
const { behaveFor, fact, listed, refunded, transactionOf } = storiesOf(it)

test('P12: a refund from the console of the PSP is adopted once, and so is its reversal', async () => {
  const payment = await it.pay()
  await it.settled(payment.payment_id)
  const body = { payment_id: payment.payment_id, amount: '3.00' }
  await it.console('/admin/refunds', body)
  const [made] = await listed('refunds', payment)
  const facts = await it.settled(payment.payment_id, 2)
  assert.equal(facts.at(-1)?.state, 'APPLIED')
  const found = await fact(payment.payment_id, 'refund.found')
  const refundId = foundRefundIdOf('main', String(made?.['refund_id']))
  assert.deepEqual([found.refund_id, found.amount, found.psp], [refundId, '3.00', 'main'])
  assert.equal(found.gateway_response.gateway_transaction_id, made?.['refund_id'])
  const refund = { amount: '3.00', gateway_refund_id: made?.['refund_id'] }
  const again = about(payment, 'approved', { type: 'refund.approved', ...refund })
  await it.post(again)
  assert.deepEqual(statesOf(await it.settled(String(again['event_id']))), ['NO_CHANGE'])
  await it.post(about(payment, 'reversed', { type: 'refund.reversed', ...refund }))
  await eventually(async () => {
    const types = typesOf(await it.refundResults(refundId))
    assert.deepEqual(types, ['refund.reversed'])
    return types
  })
  assert.deepEqual(typesOf(await it.facts(payment.payment_id)), ['refund.found'])
})

test('P12: a refund that the PSP takes back after success is reversed once and can be repeated', async () => {
  await behaveFor('refund', 'reverse_after_success')
  const payment = await it.pay()
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const events = await refunded(refund, /reversed/)
  assert.deepEqual(typesOf(events), ['refund.submitted', 'refund.succeeded', 'refund.reversed'])
  await it.behave({})
  const rest = refundRequested(payment, '10.00')
  await it.refund([rest])
  const ends = await refunded(rest)
  assert.equal(ends.at(-1)?.event_type, 'refund.succeeded', 'all of it is refundable again')
})

test('P12: a refund that was canceled and succeeds is found under its own id', async () => {
  await it.behave({})
  const payment = await it.pay()
  const refund = refundRequested(payment, '4.00')
  const logger = createLogger({ service: 'processor', level: 'silent' })
  const observer = createObserver({ logger, metrics: createMetrics('processor') })
  const request = { kind: 'refund', requestId: refund.refund_id, tenantId: 'caudal' } as const
  const deps = { db: it.db, region: 'local', observer, wakeRelay: () => {} }
  const actor = { type: 'client', id: 'payments' } as const
  assert.equal(await cancelOperation(deps, request, actor), 'canceled')
  const members = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  const ids = { refund_id: refund.refund_id, gateway_refund_id: `r-${refund.refund_id}` }
  await it.post({ ...members, ...ids })
  const found = await fact(payment.payment_id, 'refund.found')
  assert.deepEqual([found.refund_id, found.amount], [refund.refund_id, '4.00'])
  const again = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  await it.post({ ...again, ...ids })
  assert.deepEqual(statesOf(await it.settled(String(again['event_id']))), ['NO_CHANGE'])
})

test('P12: a refund that had FAILED and succeeds is found under its own id', async () => {
  await behaveFor('refund', 'decline')
  const payment = await it.pay()
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  assert.equal((await refunded(refund)).at(-1)?.event_type, 'refund.failed')
  const members = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  const bank = `r-${refund.refund_id}`
  await it.post({ ...members, refund_id: refund.refund_id, gateway_refund_id: bank })
  const found = await fact(payment.payment_id, 'refund.found')
  assert.deepEqual([found.refund_id, found.amount], [refund.refund_id, '4.00'])
  assert.deepEqual(found.gateway_response, {
    status: 'approved',
    gateway_transaction_id: bank,
  })
  await it.behave({})
})

test('P15: a callback before the answer of a refund ends it once', async () => {
  await it.behave({})
  const payment = await it.pay()
  await behaveFor('refund', 'slow:600')
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const events: RefundResult[] = await refunded(refund)
  assert.deepEqual(typesOf(events), ['refund.submitted', 'refund.succeeded'])
  const facts = await it.settled(payment.payment_id, 2)
  assert.equal(facts.at(-1)?.state, 'APPLIED')
  assert.deepEqual(await it.facts(payment.payment_id), [])
  await it.behave({})
})

test('P15: a refund callback without our id waits for the refund that is under way', async () => {
  await it.deliver(null)
  await it.behave({})
  const payment = await it.pay()
  await behaveFor('refund', 'slow:700')
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const [made] = await eventually(async () => {
    const refunds = await listed('refunds', payment)
    assert.equal(refunds.length, 1)
    return refunds
  })
  const { rows } = await it.db.query<{ id: string }>(
    'SELECT operation_id AS id FROM operations WHERE payment_id = $1',
    [payment.payment_id],
  )
  assert.equal(rows[0]?.id, made?.['refund_id'])
  const bank = await eventually(async () => {
    const { json } = await call(`${it.pspUrl}/v1/refunds/${refund.refund_id}`)
    return String(json()['gateway_refund_id'])
  })
  const members = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  await it.post({ ...members, gateway_refund_id: bank })
  assert.equal((await refunded(refund)).at(-1)?.event_type, 'refund.succeeded')
  assert.deepEqual(statesOf(await it.settled(payment.payment_id)), ['NO_CHANGE'])
  assert.deepEqual(await it.facts(payment.payment_id), [])
  await it.behave({})
  await it.deliver(it.service.url)
})

test('E1: a payment that the PSP reverses after success comes back as a return', async () => {
  await it.behave({ by_account: { reversed: 'reverse_after_success' } })
  const payment = await it.pay('reversed')
  const returned = await fact(payment.payment_id, 'return.received')
  const transaction = await transactionOf(payment).catch(() => returned.reference)
  assert.deepEqual(
    [returned.return_id, returned.reference, returned.reason_code, returned.amount],
    [reversalIdOf('main', transaction), transaction, 'payment_reversed', '10.00'],
  )
  assert.equal(returned.payment?.payment_id, payment.payment_id)
})

test('E1: a return is emitted with the reason of the bank and its code', async () => {
  await it.behave({})
  const payment = await it.pay()
  await it.console('/admin/returns', {
    payment_id: payment.payment_id,
    amount: '9.00',
    reason: 'AC04',
  })
  const returned = await fact(payment.payment_id, 'return.received')
  const { payment_id, user_id } = payment
  assert.deepEqual(returned.payment, { payment_id, user_id })
  assert.deepEqual(
    [returned.amount, returned.reason, returned.reason_code, returned.account_id],
    ['9.00', 'AC04', 'account_closed', payment.account_id],
  )
  assert.equal(returned.return_id, returnIdOf('main', returned.reference))
})

test('E1: a return of an unknown payment is emitted for the tenant of the account', async () => {
  const unknown = fundsReserved()
  const returned = { type: 'payment.returned', reason_code: 'XX99', gateway_return_id: 'b-77' }
  for (const [account, secret, tenant] of [
    ['main', 'secret-of-main', 'caudal'],
    ['shop', 'secret-of-the-shop', 'shops'],
  ] as const) {
    const bank = { gateway_return_id: `b-${account}` }
    await it.post(about(unknown, 'returned', { ...returned, ...bank }), { account, secret })
    const event = await fact(returnIdOf('main', `b-${account}`), 'return.received')
    assert.equal(event.payment, undefined)
    assert.deepEqual(
      [event.account_id, event.tenant_id, event.reason, event.reason_code],
      [event.return_id, tenant, 'XX99', 'other'],
    )
  }
})

test('P15: each step of a dispute is emitted once, whatever reports it how often', async () => {
  await it.behave({})
  const payment = await it.pay()
  const { payment_id, user_id, account_id } = payment
  await it.settled(payment_id)
  const made = await it.console('/admin/disputes', { payment_id, amount: '4.00' })
  const id = String(made['dispute_id'])
  const { dispute_id: opened, ...event } = await fact(payment_id, 'dispute.opened')
  assert.equal(opened, disputeIdOf('main', id))
  assert.deepEqual(
    [event.reference, event.amount, event.reason, event.payment, event.account_id],
    [id, '4.00', '10.4', { payment_id, user_id }, account_id],
  )
  await it.console(`/admin/disputes/${id}/close`, { outcome: 'lost' })
  const closed = await fact(payment_id, 'dispute.closed')
  assert.deepEqual(
    [closed.dispute_id, closed.outcome, closed.amount, closed.payment],
    [opened, 'lost', '4.00', { payment_id, user_id }],
  )
  const facts = await it.settled(payment_id, 3)
  assert.deepEqual(statesOf(facts.slice(-2)), ['APPLIED', 'APPLIED'])
  const types = typesOf(await it.facts(payment_id))
  assert.deepEqual(types, ['dispute.opened', 'dispute.closed'])
})

test('a dispute of an unknown payment is emitted without one, in another currency is a case', async () => {
  const unknown = fundsReserved()
  const lost = { type: 'dispute.lost', dispute_id: 'd-unknown', reason_code: 'fraud' }
  await it.post(about(unknown, 'lost', lost))
  const event = await fact(disputeIdOf('main', 'd-unknown'), 'dispute.closed')
  assert.deepEqual(
    [event.account_id, event.payment, event.tenant_id, event.outcome],
    [event.dispute_id, undefined, 'caudal', 'lost'],
  )
  const payment = await it.pay()
  const foreign = { type: 'payment.disputed', dispute_id: 'd-foreign', currency: 'EUR' }
  await it.post(about(payment, 'disputed', foreign))
  const contradicted = await fact(payment.payment_id, 'psp.contradicted')
  assert.equal(contradicted.contradiction, 'currency_mismatch')
})
