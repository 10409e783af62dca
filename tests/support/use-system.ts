import { eventually } from '@caudal/testing/eventually.ts'
import type { LaunchedSystem } from './launch-system.ts'
import type { BackPayment, UsedSystem } from './planted-violations.ts'
import { disputedMoney, openShop, sendBack } from './shop-client.ts'
import { messagesOf, paymentWithStatus, postPayment, seed, type SeededUser } from './user-client.ts'

/** Payments in EUR go to the second PSP. */
export const USED_ROUTES = JSON.stringify([{ currency: 'EUR', psps: ['asyncbank'] }])

/**
 * Makes payments that complete, one that fails, one whose dispute is lost and one at each PSP of
 * which money came back, until their users are notified. The system has the routes `USED_ROUTES`.
 */
export async function useSystem(dataDir: string, system: LaunchedSystem): Promise<UsedSystem> {
  const [user] = await seed(dataDir, { orders: 1 })
  const [rich] = await seed(dataDir, { orders: 2 })
  const [poor] = await seed(dataDir, { balance: '5.00' })
  const end = async (owner: SeededUser | undefined, status: string): Promise<string> => {
    const { body } = await postPayment(system.gateway_url, owner!)
    const id = String(body['payment_id'])
    await paymentWithStatus(system.gateway_url, owner!, id, [status])
    await eventually(async () => (await messagesOf(system.push_url, id)).length > 0)
    return id
  }
  const shop = await openShop(dataDir)
  const sendBackAt = async (bankUrl: string, currency: string): Promise<BackPayment> => {
    const [returned] = await seed(dataDir, { currency })
    const id = await end(returned, 'COMPLETED')
    const { body: refund } = await shop.refund(id, { amount: '4.00', reason: 'other' })
    const refundId = String(refund['refund_id'])
    await shop.refundWithStatus(refundId, 'SUCCEEDED')
    // No reason to block the account of all payments here.
    const order = { payment_id: id, reason: 'MS03' }
    await sendBack(bankUrl, 'returns', { ...order, amount: '2.00' })
    await shop.paymentWithStatus(id, 'RETURNED')
    await sendBack(bankUrl, 'returns', { ...order, amount: '9.00', beyond_charge: true })
    await eventually(async () =>
      (await shop.ask('GET', `/payments/${id}/returns`)).text.includes('SUSPENDED'),
    )
    await eventually(async () => (await messagesOf(system.push_url, id)).length > 2)
    return { id, refundId }
  }
  const loseDispute = async () => {
    const [owner] = await seed(dataDir, { orders: 1 })
    const id = await end(owner, 'COMPLETED')
    const disputeId = await disputedMoney(
      system.psp_url,
      { payment_id: id, amount: '3.00' },
      'lost',
    )
    await shop.paymentWithStatus(id, 'RETURNED')
    await eventually(async () => (await messagesOf(system.push_url, id)).length > 1)
    return { id, disputeId }
  }
  return {
    disputed: await loseDispute(),
    back: await sendBackAt(system.psp_url, 'USD'),
    backAtBank: await sendBackAt(system.asyncbank_url, 'EUR'),
    completed: {
      id: await end(user, 'COMPLETED'),
      order: user!.orders[0]!.external_order_id,
      account: user!.account_id,
    },
    otherId: await end(rich, 'COMPLETED'),
    failedId: await end(poor, 'FAILED'),
    unpaidOrder: rich!.orders[1]!.external_order_id,
  }
}
