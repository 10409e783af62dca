import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { dataDirectory, launchSystem, type LaunchedSystem } from '../support/launch-system.ts'
import {
  balancesOf,
  chargesOf,
  paymentWithStatus,
  postPayment,
  seed,
  setBehaviour,
  violationsOf,
} from '../support/user-client.ts'

type Expectation = { status: string; reason?: string; charges: number }

/** What a payment comes to under each behaviour of interfaces.md while that behaviour lasts. */
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
  hang: { status: 'IN_DOUBT', charges: 0 },
  reset: { status: 'IN_DOUBT', charges: 0 },
}

const BALANCES: Record<string, { available: string; held: string }> = {
  COMPLETED: { available: '90.00', held: '0.00' },
  FAILED: { available: '100.00', held: '0.00' },
  IN_DOUBT: { available: '90.00', held: '10.00' },
}

describe('P5: whatever the PSP does, the wallet says what really happened', () => {
  const scope = suiteScope()
  let system: LaunchedSystem
  let dataDir = ''
  before(async () => {
    dataDir = await dataDirectory(scope)
    system = await launchSystem(scope, {
      dataDir,
      env: {
        CAUDAL_PSP_TIMEOUT: '1s',
        CAUDAL_PSP_CONNECT_TIMEOUT: '500ms',
        CAUDAL_PSP_QUERY_MAX: '2s',
      },
    })
    const accounts = Object.keys(BEHAVIOURS).map((name) => [`account-${name}`, name])
    await setBehaviour(system.psp_url, { by_account: Object.fromEntries(accounts) })
  })

  const pay = async (behaviour: string) => {
    const [user] = await seed(dataDir, { account: `account-${behaviour}` })
    const { status, body } = await postPayment(system.gateway_url, user!)
    assert.equal(status, 202)
    return { user: user!, id: body['payment_id'] as string }
  }

  for (const [behaviour, { status, reason, charges }] of Object.entries(BEHAVIOURS)) {
    test(`${behaviour}: the payment is ${status}`, async () => {
      const { user, id } = await pay(behaviour)
      const payment = await paymentWithStatus(system.gateway_url, user, id, [status])
      assert.equal(payment['reason'], reason ?? null)
      assert.equal((await chargesOf(system.psp_url, id)).length, charges)
      await eventually(async () => {
        assert.deepEqual(await balancesOf(system.gateway_url, user), BALANCES[status])
        return true
      })
    })
  }

  test('a payment in doubt ends when the PSP comes back, charged once', async () => {
    const { user, id } = await pay('hang')
    await paymentWithStatus(system.gateway_url, user, id, ['IN_DOUBT'])
    await setBehaviour(system.psp_url, { default: 'approve', by_account: {} })
    await paymentWithStatus(system.gateway_url, user, id, ['COMPLETED'])
    assert.equal((await chargesOf(system.psp_url, id)).length, 1)
  })

  test('random:0.3: with one request in three going wrong, every payment ends right', async () => {
    await setBehaviour(system.psp_url, { default: 'random:0.3', by_account: {}, seed: 7 })
    const users = await seed(dataDir, { users: 5, orders: 8 })
    const asked = users.flatMap((user) => user.orders.map((order) => ({ user, order })))
    const accepted = await Promise.all(
      asked.map(async ({ user, order }) => {
        const answer = await postPayment(system.gateway_url, user, order.external_order_id)
        return { user, id: answer.body['payment_id'] as string }
      }),
    )
    await Promise.all(
      accepted.map(({ user, id }) =>
        paymentWithStatus(system.gateway_url, user, id, ['COMPLETED', 'FAILED', 'IN_DOUBT']),
      ),
    )
    await setBehaviour(system.psp_url, { default: 'approve', by_account: {} })
    await Promise.all(
      accepted.map(({ user, id }) =>
        paymentWithStatus(system.gateway_url, user, id, ['COMPLETED', 'FAILED']),
      ),
    )
  })

  test('caudal verify finds nothing wrong after all of it', async () => {
    assert.deepEqual(await violationsOf(dataDir), [])
  })
})
