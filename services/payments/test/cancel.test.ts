import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { refundEventsOf } from './refund-stories.ts'
import { capture, findOne, findRefundRow, runBatch } from './spine.ts'
import { eventsOf } from './stories.ts'
import { call, createWorld, pay, refund, type Reply, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let client: string

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  client = await world.peers.serviceToken('refunds:write payments:write payments:read')
})

const cancel = (what: 'payments' | 'refunds', id: string, token: string): Promise<Reply> =>
  call(`${service.url}/v1/${what}/${id}/cancel`, { method: 'POST', token })

async function requested() {
  const userId = newId()
  const token = await world.peers.userToken(userId)
  const order = world.peers.addOrder(userId)
  const reply = await pay(service, token, order.external_order_id)
  const payment = await findOne(world.db.pool, String(reply.json['payment_id']))
  return { payment, token, it: eventsOf(payment) }
}

test('P12: a user cancels an own payment: it fails with the reason canceled once its funds are free', async () => {
  const { payment, token, it } = await requested()
  const before = world.peers.cancels.length
  const reply = await cancel('payments', payment.paymentId, token)
  assert.deepEqual([reply.status, reply.json['status']], [202, 'PENDING'])
  assert.equal(reply.headers['location'], `/api/v1/payments/${payment.paymentId}`)
  assert.deepEqual(world.peers.cancels.slice(before), [
    {
      id: payment.paymentId,
      kind: 'pay',
      tenant_id: 'caudal',
      scope: 'operations:cancel tenants:any',
    },
  ])
  await runBatch(world.db.pool, [it.reserved(), it.canceled()])
  assert.equal((await cancel('payments', payment.paymentId, token)).json['status'], 'RESERVED')
  await runBatch(world.db.pool, [it.released('canceled')])
  const again = await cancel('payments', payment.paymentId, token)
  assert.deepEqual(
    [again.status, again.json['status'], again.json['reason']],
    [202, 'FAILED', 'canceled'],
  )
  assert.equal(world.peers.cancels.length, before + 1, 'what is known here is not asked again')
})

test('a payment that was sent is not canceled, by the processor or by what is known here', async () => {
  const { payment, token, it } = await requested()
  world.peers.setProcessor('sent')
  const sent = await cancel('payments', payment.paymentId, token)
  assert.deepEqual([sent.status, sent.json['code']], [409, 'PAYMENT_ALREADY_SENT'])
  world.peers.setProcessor('canceled')
  await runBatch(world.db.pool, [it.reserved(), it.inDoubt()])
  const before = world.peers.cancels.length
  for (const event of [it.inDoubt(), it.completed()]) {
    await runBatch(world.db.pool, [event])
    const known = await cancel('payments', payment.paymentId, token)
    assert.deepEqual([known.status, known.json['code']], [409, 'PAYMENT_ALREADY_SENT'])
  }
  assert.equal(world.peers.cancels.length, before)
})

test('a processor without a usable answer: 503, and the cancel can be repeated', async () => {
  const { payment, token } = await requested()
  world.peers.setProcessor('fail')
  const unknown = await cancel('payments', payment.paymentId, token)
  assert.deepEqual([unknown.status, unknown.json['code']], [503, 'UNAVAILABLE'])
  world.peers.setProcessor('canceled')
  assert.equal((await cancel('payments', payment.paymentId, token)).status, 202)
})

test('a payment is canceled by its user or by a client of its tenant, and by no other', async () => {
  const { payment } = await requested()
  const stranger = await world.peers.userToken(newId())
  const foreign = await world.peers.serviceToken('payments:write', { tenant_id: 'other' })
  for (const token of [stranger, foreign]) {
    const reply = await cancel('payments', payment.paymentId, token)
    assert.deepEqual([reply.status, reply.json['code']], [404, 'PAYMENT_NOT_FOUND'])
  }
  const reader = await world.peers.serviceToken('payments:read')
  assert.equal((await cancel('payments', payment.paymentId, reader)).status, 403)
  assert.equal((await cancel('payments', 'none', client)).status, 404)
  assert.equal((await cancel('payments', payment.paymentId, client)).status, 202)
})

test('P12: a client cancels a refund before it is sent; a sent one is REFUND_ALREADY_SENT', async () => {
  const payment = await capture(world.db.pool)
  const ask = async () => {
    const reply = await refund(service, client, payment.paymentId, { amount: '10.00' })
    return findRefundRow(world.db.pool, String(reply.json['refund_id']))
  }
  const [early, late] = [await ask(), await ask()]
  const reply = await cancel('refunds', early.refundId, client)
  assert.deepEqual([reply.status, reply.json['status']], [202, 'PENDING'])
  assert.equal(reply.headers['location'], `/api/v1/refunds/${early.refundId}`)
  assert.equal(world.peers.cancels.at(-1)?.kind, 'refund')
  await runBatch(world.db.pool, [
    refundEventsOf(early).canceled(),
    refundEventsOf(late).submitted(),
  ])
  assert.equal((await cancel('refunds', early.refundId, client)).json['status'], 'CANCELED')
  const sent = await cancel('refunds', late.refundId, client)
  assert.deepEqual([sent.status, sent.json['code']], [409, 'REFUND_ALREADY_SENT'])
  assert.equal((await findOne(world.db.pool, payment.paymentId)).pendingMinor, 1_000n)
  const user = await world.peers.userToken(payment.userId)
  assert.equal((await cancel('refunds', late.refundId, user)).status, 403)
  const foreign = await world.peers.serviceToken('refunds:write', { tenant_id: 'other' })
  assert.equal((await cancel('refunds', late.refundId, foreign)).status, 404)
})
