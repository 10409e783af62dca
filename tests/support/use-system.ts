import { eventually } from '@caudal/testing/eventually.ts'
import type { LaunchedSystem } from './launch-system.ts'
import type { UsedSystem } from './planted-violations.ts'
import { openShop, sendBack } from './shop-client.ts'
import { messagesOf, paymentWithStatus, postPayment, seed, type SeededUser } from './user-client.ts'

/**
 * Makes payments that complete, one that fails and one of which money came back, until their users
 * are notified.
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
  const [returned] = await seed(dataDir)
  const backId = await end(returned, 'COMPLETED')
  const shop = await openShop(dataDir)
  const { body: refund } = await shop.refund(backId, { amount: '4.00', reason: 'other' })
  const refundId = String(refund['refund_id'])
  await shop.refundWithStatus(refundId, 'SUCCEEDED')
  await sendBack(system.psp_url, 'returns', {
    payment_id: backId,
    amount: '2.00',
    // No reason to block the account of all payments here.
    reason: 'MS03',
  })
  await shop.paymentWithStatus(backId, 'RETURNED')
  await eventually(async () => (await messagesOf(system.push_url, backId)).length > 2)
  return {
    back: { id: backId, refundId },
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
