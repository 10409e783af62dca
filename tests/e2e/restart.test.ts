import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import {
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

test('P9: a restart with payments in flight loses no payment', SLOW, async (t) => {
  const dataDir = await dataDirectory(t)
  const first = await launchSystem(t, { dataDir })
  await setBehaviour(first.psp_url, { default: 'slow:700' })
  const users = await seed(dataDir, { users: 4, orders: 10 })
  const key = randomUUID()
  const asked = users.flatMap((user) => user.orders.map((order) => ({ user, order })))
  const accepted = await Promise.all(
    asked.map(async ({ user, order }, index) => {
      const orderId = order.external_order_id
      const answer = await postPayment(
        first.gateway_url,
        user,
        orderId,
        index === 0 ? key : randomUUID(),
      )
      assert.equal(answer.status, 202)
      return { user, orderId, text: answer.text, id: answer.body['payment_id'] as string }
    }),
  )
  assert.equal(await first.stop(), 0)

  const second = await launchSystem(t, { dataDir })
  await setBehaviour(second.psp_url, { default: 'approve' })
  for (const { user, id } of accepted) {
    await paymentWithStatus(second.gateway_url, user, id, ['COMPLETED'])
    assert.equal((await chargesOf(second.psp_url, id)).length, 1)
  }
  const [{ user, orderId, text }] = accepted as [(typeof accepted)[0]]
  const replay = await postPayment(second.gateway_url, user, orderId, key)
  assert.equal(replay.text, text)
  assert.equal(replay.headers['idempotency-replayed'], 'true')
  assert.deepEqual(await violationsOf(dataDir), [])
  assert.equal(await second.stop(), 0)
})

test('Ctrl-C during traffic stops everything, including the database, with exit code 0', async (t) => {
  const dataDir = await dataDirectory(t)
  const system = await launchSystem(t, { dataDir })
  const [user] = await seed(dataDir, { orders: 20, balance: '1000.00' })
  const sending = user!.orders.map((order) =>
    postPayment(system.gateway_url, user!, order.external_order_id).catch(() => undefined),
  )
  process.kill(system.pid, 'SIGINT')
  assert.equal(await system.stop(), 0)
  await Promise.all(sending)
  assert.throws(() => process.kill(system.pid, 0), { code: 'ESRCH' })
})
