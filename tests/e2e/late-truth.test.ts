import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { callOk } from 'caudal/system/http-client.ts'
import { anyClientToken } from 'caudal/system/tokens.ts'
import { backAt, openShop, type ShopClient } from '../support/shop-client.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  availableIs,
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

const SECRET = 'secret-of-the-callbacks'
const NOWHERE = 'http://127.0.0.1:9'

type Case = { reason: string; subject: { type: string; id: string }; payment_id: string | null }

describe('P12, P15: what the bank reports late or against its answers, through the whole system', () => {
  const env = { CAUDAL_PSP_CALLBACK_SECRETS: SECRET }
  const system = suiteSystem(suiteScope(), { env })
  let shop: ShopClient
  let staff: { url: string; token: string }
  before(async () => {
    shop = await openShop(system.data_dir)
    const found = await findSystem({ dataDir: system.data_dir, url: undefined })
    const { token } = await anyClientToken(found, 'staff', { scope: SCOPE.casesRead })
    staff = { url: found.serviceUrl('payments'), token }
  })

  /** Where the bank sends its callbacks from now on. What was not delivered is sent again. */
  async function report(to: 'gateway' | 'nowhere'): Promise<void> {
    const url = to === 'nowhere' ? NOWHERE : `${system.gateway_url}/callbacks/main/main`
    const response = await fetch(`${system.psp_url}/admin/callbacks`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url, secret: SECRET }),
    })
    assert.equal(response.status, 200)
  }

  async function pay(user: SeededUser, order?: string): Promise<string> {
    const { body, text } = await postPayment(system.gateway_url, user, order)
    assert.equal(typeof body['payment_id'], 'string', text)
    return String(body['payment_id'])
  }

  const isShown = (user: SeededUser, id: string, status: string) =>
    paymentWithStatus(system.gateway_url, user, id, [status])

  async function casesOf(paymentId: string): Promise<Case[]> {
    const { data } = await callOk<{ data: Case[] }>(`${staff.url}/v1/cases?limit=100`, {
      headers: { authorization: `Bearer ${staff.token}` },
    })
    return data.filter((one) => one.payment_id === paymentId)
  }

  const hasCase = (paymentId: string, reason: string, subjectId = paymentId) =>
    eventually(async () => {
      const cases = await casesOf(paymentId)
      assert.deepEqual(
        cases.map((one) => [one.reason, one.subject.id]),
        [[reason, subjectId]],
      )
      return true
    })

  /** A payment that the bank charged without an answer, and that its status query denied. */
  async function failedAndCharged(user: SeededUser): Promise<string> {
    await report('nowhere')
    const by_operation = { query: 'contradict' }
    await setBehaviour(system.psp_url, { default: 'apply_then_reset', by_operation })
    const id = await pay(user)
    await isShown(user, id, 'FAILED')
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    await setBehaviour(system.psp_url, { default: 'approve' })
    return id
  }

  test('failure or another amount after success keeps the state and opens a case', async () => {
    for (const [behaviour, reason] of [
      ['contradict', 'failure_after_success'],
      ['callback_wrong_amount', 'amount_mismatch'],
    ] as const) {
      await report('nowhere')
      await setBehaviour(system.psp_url, { default: behaviour })
      const [user] = await seed(system.data_dir)
      const id = await pay(user!)
      await isShown(user!, id, 'COMPLETED')
      await report('gateway')
      await hasCase(id, reason)
      await isShown(user!, id, 'COMPLETED')
      await availableIs(system.gateway_url, user!, '90.00')
      assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    }
    await setBehaviour(system.psp_url, { default: 'approve' })
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('success after FAILED debits the wallet again if the order is free and the money is there', async () => {
    const [user] = await seed(system.data_dir)
    const id = await failedAndCharged(user!)
    await availableIs(system.gateway_url, user!, '100.00')
    await report('gateway')
    await isShown(user!, id, 'COMPLETED')
    await availableIs(system.gateway_url, user!, '90.00')
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    assert.deepEqual(await casesOf(id), [])
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('success after FAILED that the wallet cannot pay is in suspense with a case, never dropped', async () => {
    const [user] = await seed(system.data_dir, { balance: '10.00', orders: 2 })
    const id = await failedAndCharged(user!)
    const other = await pay(user!, user!.orders[1]!.external_order_id)
    await isShown(user!, other, 'COMPLETED')
    await availableIs(system.gateway_url, user!, '0.00')
    await report('gateway')
    await hasCase(id, 'success_after_failure')
    await isShown(user!, id, 'FAILED')
    await availableIs(system.gateway_url, user!, '0.00')
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('success after FAILED of an order that was paid again is refunded at the PSP', async () => {
    const [user] = await seed(system.data_dir)
    const id = await failedAndCharged(user!)
    const again = await pay(user!)
    await isShown(user!, again, 'COMPLETED')
    await report('gateway')
    const moved = await eventually(async () => {
      const [voids, refunds] = await Promise.all([
        backAt(system.psp_url, 'voids', id),
        backAt(system.psp_url, 'refunds', id),
      ])
      const all = [...voids, ...refunds]
      return all.length > 0 && all
    })
    assert.deepEqual(
      moved.map(({ amount }) => amount),
      ['10.00'],
    )
    await isShown(user!, id, 'FAILED')
    await availableIs(system.gateway_url, user!, '90.00')
    assert.deepEqual(await violationsOf(system.data_dir), [])
    assert.deepEqual(await casesOf(id), [])
  })

  test('the PSP made a refund, its answer was lost and the client asks again: one refund', async () => {
    await report('nowhere')
    const [user] = await seed(system.data_dir)
    const id = await pay(user!)
    await isShown(user!, id, 'COMPLETED')
    const by_operation = { refund: 'apply_then_reset', query: 'error_500' }
    await setBehaviour(system.psp_url, { default: 'approve', by_operation })
    const key = randomUUID()
    const part = { amount: '6.00', reason: 'duplicate' }
    const first = await shop.refund(id, part, key)
    const refundId = String(first.body['refund_id'])
    await shop.refundWithStatus(refundId, 'IN_DOUBT')
    assert.equal((await backAt(system.psp_url, 'refunds', id)).length, 1)
    const repeated = await shop.refund(id, part, key)
    assert.deepEqual([repeated.status, repeated.text], [202, first.text])
    // Also under another key: the one in doubt keeps its share of the payment.
    const other = await shop.refund(id, part)
    const { code, pending, refundable } = other.body
    assert.deepEqual(
      [other.status, code, pending, refundable],
      [422, 'REFUND_EXCEEDS_CAPTURED', '6.00', '4.00'],
    )
    await setBehaviour(system.psp_url, { default: 'approve' })
    await shop.refundWithStatus(refundId, 'SUCCEEDED')
    await report('gateway')
    await availableIs(system.gateway_url, user!, '96.00')
    assert.equal((await backAt(system.psp_url, 'refunds', id)).length, 1)
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('REVERSED after the user spent it: it is owed, with a case, and refundable again once', async () => {
    await report('nowhere')
    const [user] = await seed(system.data_dir, { balance: '6.00', amount: '5.00', orders: 2 })
    const id = await pay(user!)
    await isShown(user!, id, 'COMPLETED')
    const by_operation = { refund: 'reverse_after_success' }
    await setBehaviour(system.psp_url, { default: 'approve', by_operation })
    const { body } = await shop.refund(id, { amount: '4.00', reason: 'other' })
    const refundId = String(body['refund_id'])
    await shop.refundWithStatus(refundId, 'SUCCEEDED')
    await availableIs(system.gateway_url, user!, '5.00')
    await setBehaviour(system.psp_url, { default: 'approve' })
    const spent = await pay(user!, user!.orders[1]!.external_order_id)
    await isShown(user!, spent, 'COMPLETED')
    await availableIs(system.gateway_url, user!, '0.00')

    await report('gateway')
    await shop.refundWithStatus(refundId, 'REVERSED')
    await hasCase(id, 'receivable', refundId)
    await availableIs(system.gateway_url, user!, '0.00')
    await shop.paymentWithStatus(id, 'COMPLETED')

    const again = await shop.refund(id, { reason: 'other' })
    assert.deepEqual([again.status, again.body['amount']], [202, '5.00'])
    await shop.refundWithStatus(String(again.body['refund_id']), 'SUCCEEDED')
    await availableIs(system.gateway_url, user!, '5.00')
    const third = await shop.refund(id, { amount: '0.01', reason: 'other' })
    assert.deepEqual([third.status, third.body['code']], [422, 'REFUND_EXCEEDS_CAPTURED'])
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })
})
