import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { backAt, openShop, sendBack, type ShopClient } from '../support/shop-client.ts'
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

const ROUTES = JSON.stringify([{ currency: 'EUR', psps: ['asyncbank'] }])

describe('P12, P15: payments through a second PSP, whose outcomes come by callbacks', () => {
  const scope = suiteScope()
  // Only a callback can end what was accepted before a test gives up.
  const env = {
    CAUDAL_PSP_ROUTES: ROUTES,
    CAUDAL_PSP_FIRST_QUERY: '10m',
    CAUDAL_PSP_QUERY_MAX: '10m',
  }
  const system = suiteSystem(scope, { env })
  let shop: ShopClient
  before(async () => {
    shop = await openShop(system.data_dir)
  })

  async function pay(currency: string, statuses: string[]): Promise<[SeededUser, string]> {
    const [user] = await seed(system.data_dir, { currency })
    const { body } = await postPayment(system.gateway_url, user!)
    const id = String(body['payment_id'])
    await paymentWithStatus(system.gateway_url, user!, id, statuses)
    return [user!, id]
  }

  test('a payment goes to the PSP of its currency, and is completed by a callback', async () => {
    const [euros, inEuros] = await pay('EUR', ['COMPLETED'])
    assert.equal((await chargesOf(system.asyncbank_url, inEuros)).length, 1)
    assert.equal((await chargesOf(system.psp_url, inEuros)).length, 0)
    await availableIs(system.gateway_url, euros, '90.00')
    const [, inDollars] = await pay('USD', ['COMPLETED'])
    assert.equal((await chargesOf(system.psp_url, inDollars)).length, 1)
    assert.equal((await chargesOf(system.asyncbank_url, inDollars)).length, 0)
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('its refunds and returns are credited once, also what the bank kept of a return', async () => {
    const [user, id] = await pay('EUR', ['COMPLETED'])
    const { body } = await shop.refund(id, { amount: '4.00', reason: 'duplicate' })
    await shop.refundWithStatus(String(body['refund_id']), 'SUCCEEDED')
    await availableIs(system.gateway_url, user, '94.00')
    assert.equal((await backAt(system.asyncbank_url, 'refunds', id)).length, 1)
    await sendBack(system.asyncbank_url, 'returns', {
      payment_id: id,
      amount: '5.20',
      charges: '0.80',
      reason: 'MS03',
    })
    await paymentWithStatus(system.gateway_url, user, id, ['RETURNED'])
    await availableIs(system.gateway_url, user, '100.00')
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })

  test('a rejected payment fails, and its funds are available again', async () => {
    await setBehaviour(system.asyncbank_url, { default: 'decline' })
    const [user, id] = await pay('EUR', ['FAILED'])
    await setBehaviour(system.asyncbank_url, {})
    assert.equal((await chargesOf(system.asyncbank_url, id)).length, 0)
    await availableIs(system.gateway_url, user, '100.00')
    assert.deepEqual(await violationsOf(system.data_dir), [])
  })
})
