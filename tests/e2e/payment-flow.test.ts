import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  allWithStatus,
  balancesOf,
  chargesOf,
  get,
  messagesOf,
  paymentWithStatus,
  postPayment,
  seed,
  violationsOf,
} from '../support/user-client.ts'

describe('P9: payments through the whole system', () => {
  const system = suiteSystem(suiteScope())

  test('P2: a completed payment is charged once, debited and notified once', async () => {
    const [user] = await seed(system.data_dir)
    const accepted = await postPayment(system.gateway_url, user!)
    assert.equal(accepted.status, 202)
    const {
      payment_id: id,
      created_at: createdAt,
      ...rest
    } = accepted.body as { payment_id: string; created_at: string }
    assert.equal(accepted.headers['location'], `/api/v1/payments/${id}`)
    assert.ok(!Number.isNaN(Date.parse(createdAt)))
    const order = user!.orders[0]!.external_order_id
    const expected = {
      status: 'PENDING',
      external_order_id: order,
      amount: '10.00',
      currency: 'USD',
    }
    assert.deepEqual(rest, expected)
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED'])
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    await eventually(async () => (await messagesOf(system.push_url, id)).length === 1)
    const balances = await eventually(async () => {
      const found = await balancesOf(system.gateway_url, user!)
      return found.held === '0.00' && found
    })
    assert.deepEqual(balances, { available: '90.00', held: '0.00' })
    const { body } = await get(
      system.gateway_url,
      user!,
      `/wallet/entries?account_id=${user!.account_id}`,
    )
    const kinds = (body['data'] as { kind: string; balance: string; amount: string }[]).map(
      (entry) => `${entry.kind} ${entry.balance} ${entry.amount}`,
    )
    assert.deepEqual(kinds.toSorted(), [
      'commit held -10.00',
      'credit available 100.00',
      'hold available -10.00',
      'hold held 10.00',
    ])
  })

  test('P4: a payment with insufficient funds fails without a charge, and its order can be paid again', async () => {
    const [user] = await seed(system.data_dir, { balance: '5.00' })
    const { body } = await postPayment(system.gateway_url, user!)
    const id = body['payment_id'] as string
    const failed = await paymentWithStatus(system.gateway_url, user!, id, ['FAILED'])
    assert.equal(failed['reason'], 'insufficient_funds')
    assert.equal((await chargesOf(system.psp_url, id)).length, 0)
    const again = await postPayment(system.gateway_url, user!)
    assert.equal(again.status, 202)
    assert.notEqual(again.body['payment_id'], id)
  })

  test('F2: fifty parallel requests with one key create one payment and get the same bytes', async () => {
    const [user] = await seed(system.data_dir)
    const key = randomUUID()
    const order = user!.orders[0]!.external_order_id
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => postPayment(system.gateway_url, user!, order, key)),
    )
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202])
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    const first = answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)
    assert.equal(first.length, 1)
    const id = answers[0]!.body['payment_id'] as string
    await paymentWithStatus(system.gateway_url, user!, id, ['COMPLETED'])
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
  })

  test('F2: a key that is reused with another order is refused', async () => {
    const [user] = await seed(system.data_dir, { orders: 2 })
    const key = randomUUID()
    const [first, second] = user!.orders.map((order) => order.external_order_id)
    assert.equal((await postPayment(system.gateway_url, user!, first, key)).status, 202)
    const mismatch = await postPayment(system.gateway_url, user!, second, key)
    assert.equal(mismatch.status, 422)
    assert.equal(mismatch.body['code'], 'IDEMPOTENCY_MISMATCH')
  })

  test('P9: of two hundred parallel payments from a wallet with funds for a hundred, a hundred complete', async () => {
    const [user] = await seed(system.data_dir, { orders: 200, balance: '1000.00' })
    const answers = await Promise.all(
      user!.orders.map((order) => postPayment(system.gateway_url, user!, order.external_order_id)),
    )
    assert.ok(answers.every(({ status }) => status === 202))
    const ended = await allWithStatus(system.gateway_url, user!, ['COMPLETED', 'FAILED'])
    assert.equal(ended.length, 200)
    assert.equal(ended.filter(({ status }) => status === 'COMPLETED').length, 100)
    assert.deepEqual(
      [...new Set(ended.filter(({ status }) => status === 'FAILED').map(({ reason }) => reason))],
      ['insufficient_funds'],
    )
  })

  test('P2: an order is paid once, even with two keys', async () => {
    const [user] = await seed(system.data_dir)
    const answers = await Promise.all([
      postPayment(system.gateway_url, user!),
      postPayment(system.gateway_url, user!),
    ])
    const refused = answers.filter(({ status }) => status === 409)
    assert.equal(refused.length, 1)
    // On a slow machine the first payment may be final when the second request arrives.
    assert.match(String(refused[0]!.body['code']), /^ORDER_(PAYMENT_IN_PROGRESS|ALREADY_PAID)$/)
    const { payment_id: id } = answers.find(({ status }) => status === 202)!.body
    await paymentWithStatus(system.gateway_url, user!, id as string, ['COMPLETED'])
    const late = await postPayment(system.gateway_url, user!)
    assert.equal(late.body['code'], 'ORDER_ALREADY_PAID')
  })

  test("P1: another user's payment, order and account are not found", async () => {
    const [owner, other] = await seed(system.data_dir, { users: 2 })
    const { body } = await postPayment(system.gateway_url, owner!)
    const id = body['payment_id'] as string
    const stolen = await get(system.gateway_url, other!, `/payments/${id}`)
    assert.deepEqual([stolen.status, stolen.body['code']], [404, 'PAYMENT_NOT_FOUND'])
    const order = await postPayment(system.gateway_url, other!, owner!.orders[0]!.external_order_id)
    assert.deepEqual([order.status, order.body['code']], [404, 'ORDER_NOT_FOUND'])
    const entries = await get(
      system.gateway_url,
      other!,
      `/wallet/entries?account_id=${owner!.account_id}`,
    )
    assert.deepEqual([entries.status, entries.body['code']], [404, 'ACCOUNT_NOT_FOUND'])
  })

  test('verify finds no violations after these tests', async () => {
    assert.deepEqual(await violationsOf(system.data_dir), [])
    assert.equal(await system.stop(), 0)
  })
})
