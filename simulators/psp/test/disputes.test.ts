import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startPsp } from './start-psp.ts'

test('P8: each step of a dispute is reported once, and a lost one moves its money once', async (t) => {
  const receiver = await receiveCallbacks(t)
  const psp = await startPsp(t, {
    CAUDAL_PSP_SIMULATOR_CALLBACK_URL: receiver.url,
    CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS: 'a-secret-of-the-test',
  })
  const paymentId = randomUUID()
  const chargeId = await psp.charge(paymentId)
  const open = async (amount: string) => {
    const order = { payment_id: paymentId, amount }
    const { status, json } = await psp.call('POST', '/admin/disputes', order)
    assert.equal(status, 201)
    return String(json['dispute_id'])
  }
  const [won, lost] = [await open('1.00'), await open('60.00')]
  const close = async (id: string, outcome: string) =>
    (await psp.call('POST', `/admin/disputes/${id}/close`, { outcome })).status
  assert.deepEqual([await close(won, 'won'), await close(won, 'won')], [200, 200])
  assert.deepEqual([await close(lost, 'lost'), await close(lost, 'lost')], [200, 200])
  assert.equal(await close(lost, 'won'), 409)
  assert.equal(await close(randomUUID(), 'won'), 404)
  const { json: listed } = await psp.call('GET', `/admin/disputes?payment_id=${paymentId}`)
  const states = (listed['data'] as Record<string, unknown>[]).map((it) => [
    it['amount'],
    it['state'],
  ])
  assert.deepEqual(states, [
    ['1.00', 'won'],
    ['60.00', 'lost'],
  ])
  const { json: moved } = await psp.call('GET', '/admin/returned-money')
  const [back, ...more] = moved['data'] as Record<string, unknown>[]
  assert.deepEqual(
    [back?.['kind'], back?.['gateway_id'], back?.['charge_id'], back?.['amount'], more],
    ['dispute', lost, chargeId, '60.00', []],
  )
  const events = await eventually(() => {
    const all = receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    const ofDisputes = all.filter((event) => event['dispute_id'] !== undefined)
    return Promise.resolve(ofDisputes.length >= 4 && ofDisputes)
  })
  const types = events.map(({ type, dispute_id: id }) => `${String(type)} ${String(id)}`)
  assert.deepEqual(types.toSorted(), [
    `dispute.lost ${lost}`,
    `dispute.won ${won}`,
    ...[`payment.disputed ${won}`, `payment.disputed ${lost}`].toSorted(),
  ])
  const { event_id: _, occurred_at: __, ...event } = events.find((it) => it['status'] === 'lost')!
  assert.deepEqual(event, {
    type: 'dispute.lost',
    dispute_id: lost,
    payment_id: paymentId,
    gateway_transaction_id: chargeId,
    status: 'lost',
    amount: '60.00',
    currency: 'USD',
    reason_code: '10.4',
  })
})

test('refunds, returns and lost disputes together never exceed the charge unless demanded', async (t) => {
  const psp = await startPsp(t)
  const paymentId = randomUUID()
  const chargeId = await psp.charge(paymentId)
  const ids = { payment_id: paymentId, gateway_transaction_id: chargeId }
  const order = { payment_id: paymentId }
  assert.equal(
    (await psp.call('POST', '/admin/disputes', { ...order, amount: '100.51' })).status,
    422,
  )
  const { json } = await psp.call('POST', '/admin/disputes', order)
  assert.equal(json['amount'], '100.50')
  assert.equal((await psp.refund(randomUUID(), ids)).status, 200)
  const close = (body: object) =>
    psp.call('POST', `/admin/disputes/${String(json['dispute_id'])}/close`, body)
  assert.equal((await close({ outcome: 'lost' })).status, 422)
  assert.equal((await close({ outcome: 'lost', beyond_charge: true })).status, 200)
  assert.equal((await psp.refund(randomUUID(), { ...ids, amount: '1.00' })).status, 422)
})
