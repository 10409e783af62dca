import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { PaymentEnd } from '../src/domain/orders-paid-by.ts'
import { anOrder, type Order } from './an-order.ts'
import { finalized, recovered } from './finalized.ts'
import { startTestOrders, type TestOrders } from './start-test-orders.ts'

function publish({ log }: TestOrders, events: PaymentEnd[]): Promise<void> {
  return log.append(
    events.map((event) => ({
      topic: TOPICS.paymentsFinalized,
      key: event.account_id,
      value: serializeEvent(event),
      headers: {},
    })),
  )
}

async function create(orders: TestOrders, count: number): Promise<Order[]> {
  const wanted = Array.from({ length: count }, () => anOrder(newId()))
  const created = await orders.call('/v1/orders', { body: { orders: wanted } })
  assert.equal(created.status, 201)
  return wanted
}

type Paid = { external_order_id: string; paid_payment_id: string; paid_at: Date }

async function paidOrders({ db }: TestOrders): Promise<Paid[]> {
  const { rows } = await db.query<Paid>(
    `SELECT external_order_id, paid_payment_id, paid_at FROM orders WHERE status = 'PAID'`,
  )
  return rows
}

async function parkedCauses({ db }: TestOrders): Promise<string[]> {
  const { rows } = await db.query<{ cause: string }>(
    'SELECT cause FROM parked_records WHERE resolved_at IS NULL ORDER BY record_offset',
  )
  return rows.map(({ cause }) => cause)
}

/** Waits until a payment published last has been seen: everything before it then was too. */
async function settle(orders: TestOrders, userId: string): Promise<void> {
  const marker = anOrder(userId)
  await orders.call('/v1/orders', { body: { orders: [marker] } })
  await publish(orders, [finalized(marker)])
  await eventually(
    async () =>
      (await paidOrders(orders)).some(
        (order) => order.external_order_id === marker.external_order_id,
      ),
    { label: 'the marker order is paid' },
  )
}

test('P3: a completed payment makes its order PAID', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  const event = finalized(order!)
  await publish(orders, [event])
  const [paid] = await eventually(async () => {
    const rows = await paidOrders(orders)
    return rows.length > 0 && rows
  })
  assert.equal(paid?.paid_payment_id, event.payment_id)
  const list = await orders.call(`/v1/users/${order!.user_id}/orders?status=PAID`)
  assert.equal(list.body.data[0]?.['external_order_id'], order!.external_order_id)
})

test('a failed payment leaves its order unpaid', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  const failed = finalized(order!, { status: 'FAILED', reason: 'gateway_declined' })
  await publish(orders, [failed])
  await settle(orders, order!.user_id)
  const paid = await paidOrders(orders)
  assert.ok(!paid.some((one) => one.external_order_id === order!.external_order_id))
  assert.deepEqual(await parkedCauses(orders), [])
})

test('a failed payment that is paid after all makes its order PAID, in any order and repetition', async (t) => {
  const orders = await startTestOrders(t)
  const [first, second, third] = await create(orders, 3)
  const failed = [first!, second!, third!].map((order) => {
    return finalized(order, { status: 'FAILED', reason: 'gateway_unreachable' })
  })
  const [one, two, three] = failed.map((event) => recovered(event))
  await publish(orders, [failed[0]!, one!, one!, failed[0]!])
  await publish(orders, [two!, failed[1]!, two!])
  await publish(orders, [failed[2]!])
  await publish(orders, [three!])
  await settle(orders, first!.user_id)
  await eventually(async () => (await paidOrders(orders)).length === 4)
  const paid = await paidOrders(orders)
  for (const event of failed) {
    const order = paid.find((it) => it.external_order_id === event.external_order_id)
    assert.equal(order?.paid_payment_id, event.payment_id)
  }
  assert.deepEqual(await parkedCauses(orders), [])
})

test('a payment that is recovered after another one paid its order is parked', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  const failed = finalized(order!, { status: 'FAILED', reason: 'gateway_unreachable' })
  const later = finalized(order!)
  await publish(orders, [failed, later, recovered(failed)])
  const [cause] = await eventually(async () => {
    const found = await parkedCauses(orders)
    return found.length > 0 && found
  })
  assert.match(cause!, new RegExp(`is paid by ${later.payment_id}, and ${failed.payment_id} paid`))
})

test('F4: a payment finalized twice changes its order once', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  const event = finalized(order!)
  await publish(orders, [event, event])
  const [first] = await eventually(async () => {
    const rows = await paidOrders(orders)
    return rows.length > 0 && rows
  })
  await publish(orders, [event])
  await settle(orders, order!.user_id)
  const paid = await paidOrders(orders)
  assert.deepEqual(
    paid.find((one) => one.external_order_id === order!.external_order_id),
    first,
  )
  assert.deepEqual(await parkedCauses(orders), [])
})

test('payments that come together pay all of their orders', async (t) => {
  const orders = await startTestOrders(t)
  const wanted = await create(orders, 300)
  await publish(
    orders,
    wanted.map((order) => finalized(order)),
  )
  await eventually(async () => (await paidOrders(orders)).length === 300)
})

test('a second payment of an order is parked for an operator, without delaying others', async (t) => {
  const orders = await startTestOrders(t)
  const [order, another] = await create(orders, 2)
  const first = finalized(order!)
  await publish(orders, [first, finalized(order!), finalized(another!)])
  await eventually(async () => (await paidOrders(orders)).length === 2)
  const causes = await eventually(async () => {
    const found = await parkedCauses(orders)
    return found.length > 0 && found
  })
  assert.match(causes[0]!, new RegExp(`is paid by ${first.payment_id}`))
})

test('rule 11: a payment of an unknown order is parked, and applied once the order exists', async (t) => {
  const orders = await startTestOrders(t)
  const order = anOrder(newId())
  await publish(orders, [finalized(order)])
  await eventually(async () => (await parkedCauses(orders)).length === 1)
  await orders.call('/v1/orders', { body: { orders: [order] } })
  await eventually(async () => (await paidOrders(orders)).length === 1)
  assert.deepEqual(await parkedCauses(orders), [])
})

test('rule 11: a payment of an unknown order keeps no other order of its account waiting', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  const unknown = finalized(anOrder(order!.user_id))
  const known = { ...finalized(order!), account_id: unknown.account_id }
  await publish(orders, [unknown])
  await eventually(async () => (await parkedCauses(orders)).length === 1)
  await publish(orders, [known])
  await eventually(async () => (await paidOrders(orders)).length === 1)
  assert.equal((await parkedCauses(orders)).length, 1)
})

test('a payment of another tenant or user does not pay the order', async (t) => {
  const orders = await startTestOrders(t)
  const [order] = await create(orders, 1)
  await publish(orders, [finalized(order!, { user_id: newId() })])
  await publish(orders, [finalized(order!, { tenant_id: 'another' })])
  await eventually(async () => (await parkedCauses(orders)).length === 2)
  assert.deepEqual(await paidOrders(orders), [])
})

test('P9: payments finalized while the service is down are applied after its start', async (t) => {
  const orders = await startTestOrders(t)
  const [before, after] = await create(orders, 2)
  await publish(orders, [finalized(before!)])
  await eventually(async () => (await paidOrders(orders)).length === 1)
  await orders.stop()
  await publish(orders, [finalized(after!)])
  await orders.startAgain()
  await eventually(async () => (await paidOrders(orders)).length === 2)
})
