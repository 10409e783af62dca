import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { newRef, startAsyncbank, uuid } from './start-asyncbank.ts'

type Item = Record<string, string>

test('P8: a dispute is items of its own kind, and a lost one is in the books once', async (t) => {
  const receiver = await receiveCallbacks(t)
  const bank = await startAsyncbank(t, {
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: receiver.url,
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEYID: 'key-1',
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEY: randomBytes(32).toString('base64'),
  })
  const ref = newRef()
  const chargeId = await bank.settledPayment(ref)
  const order = { payment_id: uuid(ref), amount: '60.00' }
  const { status, json: dispute } = await bank.admin('POST', 'disputes', order)
  assert.equal(status, 201)
  const { dispute_id: id, gateway_id: gatewayId } = dispute
  const close = async () => {
    const path = `disputes/${String(id)}/close`
    return (await bank.admin('POST', path, { outcome: 'lost' })).status
  }
  assert.deepEqual([await close(), await close()], [200, 200])
  const { json: moved } = await bank.admin('GET', 'returned-money')
  const [back, ...more] = moved['data'] as Item[]
  const { at: _, ...found } = back!
  assert.deepEqual(found, {
    kind: 'dispute',
    movement_id: id,
    payment_id: uuid(ref),
    refund_id: null,
    gateway_id: gatewayId,
    charge_id: chargeId,
    amount: '60.00',
    currency: 'USD',
  })
  assert.deepEqual(more, [])
  const returned = { payment_id: uuid(ref), amount: '40.51', reason: 'AC04' }
  assert.equal((await bank.admin('POST', 'returns', returned)).status, 422)
  const items = await eventually(() => {
    const all = receiver.received.flatMap(
      ({ body }) => (JSON.parse(body) as { items: Item[] }).items,
    )
    const ofDispute = all.filter(({ kind }) => kind === 'dispute')
    return Promise.resolve(ofDispute.length > 1 && ofDispute)
  })
  const common = { id: gatewayId, ref: String(id).replaceAll('-', ''), kind: 'dispute' }
  const money = { orig: chargeId, amount: '6000', ccy: 'USD', code: '10.4' }
  const facts = items.map(({ at: __, ...item }) => item)
  assert.deepEqual(
    facts.toSorted((a, b) => (a['state']! < b['state']! ? 1 : -1)),
    ['opened', 'lost'].map((state) => ({ ...common, state, ...money })),
  )
})
