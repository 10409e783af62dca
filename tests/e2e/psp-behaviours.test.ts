import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  allWithStatus,
  balancesOf,
  chargesOf,
  countCharges,
  paymentWithStatus,
  postPayment,
  seed,
  type SeededUser,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

type Expectation = { status: string; reason?: string; charges: number }

/** The result of a payment under each behaviour of the PSP simulator. */
const BEHAVIOURS: Record<string, Expectation> = {
  approve: { status: 'COMPLETED', charges: 1 },
  decline: { status: 'FAILED', reason: 'gateway_declined', charges: 0 },
  error_500: { status: 'FAILED', reason: 'gateway_unavailable', charges: 0 },
  error_500_once: { status: 'COMPLETED', charges: 1 },
  error_500_twice: { status: 'COMPLETED', charges: 1 },
  'slow:300': { status: 'COMPLETED', charges: 1 },
  rate_limit_once: { status: 'COMPLETED', charges: 1 },
  apply_then_hang: { status: 'COMPLETED', charges: 1 },
  apply_then_reset: { status: 'COMPLETED', charges: 1 },
  garbage: { status: 'COMPLETED', charges: 1 },
  wrong_amount: { status: 'COMPLETED', charges: 1 },
  wrong_currency: { status: 'COMPLETED', charges: 1 },
  no_transaction_id: { status: 'COMPLETED', charges: 1 },
  duplicate_members: { status: 'COMPLETED', charges: 1 },
  hang: { status: 'IN_DOUBT', charges: 0 },
  reset: { status: 'IN_DOUBT', charges: 0 },
}

const BALANCES: Record<string, { available: string; held: string }> = {
  COMPLETED: { available: '90.00', held: '0.00' },
  FAILED: { available: '100.00', held: '0.00' },
  IN_DOUBT: { available: '90.00', held: '10.00' },
}

/** That share of requests fails in one of the ways above. */
const RANDOM = 'random:0.3'
const RANDOM_PAYMENTS = { users: 5, orders: 8 }
const ENDED = ['COMPLETED', 'FAILED']

describe('P5: the wallet matches the charges of the PSP under every behaviour', () => {
  const env = {
    CAUDAL_PSP_TIMEOUT: '1s',
    CAUDAL_PSP_CONNECT_TIMEOUT: '500ms',
    CAUDAL_PSP_QUERY_MAX: '2s',
  }
  const system = suiteSystem(suiteScope(), { env })
  const users = new Map<string, SeededUser>()
  const payments = new Map<string, string>()
  let mixed: SeededUser[] = []

  before(async () => {
    const accounts = [...Object.keys(BEHAVIOURS), RANDOM].map((name) => [`account-${name}`, name])
    await setBehaviour(system.psp_url, { by_account: Object.fromEntries(accounts), seed: 7 })
    await Promise.all(Object.keys(BEHAVIOURS).map(pay))
    mixed = await seed(system.data_dir, { ...RANDOM_PAYMENTS, account: `account-${RANDOM}` })
    const asked = mixed.flatMap((user) => user.orders.map((order) => ({ user, order })))
    await Promise.all(
      asked.map(({ user, order }) =>
        postPayment(system.gateway_url, user, order.external_order_id),
      ),
    )
  })

  async function pay(behaviour: string): Promise<void> {
    const [user] = await seed(system.data_dir, { account: `account-${behaviour}` })
    const { status, body, text } = await postPayment(system.gateway_url, user!)
    assert.equal(status, 202, text)
    users.set(behaviour, user!)
    payments.set(behaviour, String(body['payment_id']))
  }

  for (const [behaviour, { status, reason, charges }] of Object.entries(BEHAVIOURS)) {
    test(`${behaviour}: the payment is ${status}`, async () => {
      const user = users.get(behaviour)!
      const id = payments.get(behaviour)!
      const payment = await paymentWithStatus(system.gateway_url, user, id, [status])
      assert.equal(payment['reason'], reason ?? null)
      assert.equal((await chargesOf(system.psp_url, id)).length, charges)
      await eventually(async () => {
        assert.deepEqual(await balancesOf(system.gateway_url, user), BALANCES[status])
        return true
      })
    })
  }

  test(`${RANDOM}: every payment is final or in doubt`, async () => {
    for (const user of mixed) {
      const found = await allWithStatus(system.gateway_url, user, [...ENDED, 'IN_DOUBT'])
      assert.equal(found.length, RANDOM_PAYMENTS.orders)
    }
  })

  test('verify finds no violation in payments in doubt whose hold is open', async () => {
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('payments in doubt become final when the PSP works again, charged once if completed', async () => {
    await setBehaviour(system.psp_url, { default: 'approve', by_account: {} })
    for (const behaviour of ['hang', 'reset']) {
      const user = users.get(behaviour)!
      const id = payments.get(behaviour)!
      await paymentWithStatus(system.gateway_url, user, id, ['COMPLETED'])
      assert.equal((await chargesOf(system.psp_url, id)).length, 1)
    }
    const ended = await Promise.all(
      mixed.map((user) => allWithStatus(system.gateway_url, user, ENDED)),
    )
    const charges = await countCharges(system.psp_url)
    for (const { payment_id: id, status } of ended.flat()) {
      assert.equal(charges.get(String(id)) ?? 0, status === 'COMPLETED' ? 1 : 0, String(id))
    }
    assert.deepEqual(await violationsOf(system.data_dir), [])
    assert.equal(await system.stop(), 0)
  })
})
