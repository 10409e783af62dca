import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import type { System } from '../system/find-system.ts'
import { clientToken, userToken } from '../system/tokens.ts'
import { firstUnpaidOrder } from './first-unpaid-order.ts'
import { seedUsers } from './seed-users.ts'

/** A user with a balance and an unpaid order. */
export type DemoUser = { userId: string; token: string; orderId: string }

const ORDERS = 50
const WORLD = {
  users: 1,
  ordersPerUser: ORDERS,
  balance: '1000.00',
  amount: '10.00',
  currency: 'USD',
}

/** Finds the demo user of a data directory; creates one if there is none or all orders are paid. */
export async function prepareDemoUser(system: System, dataDir: string): Promise<DemoUser> {
  const file = join(dataDir, 'demo.json')
  const known = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as { user_id: string }).user_id,
    () => undefined,
  )
  const orderId = known && (await findUnpaid(system, known))
  if (known && orderId) {
    const { token } = await userToken(system, known, DEFAULT_TENANT)
    return { userId: known, token, orderId }
  }
  const [user] = await seedUsers(system, WORLD)
  const { user_id: userId, token, orders } = user!
  await writeFile(file, `${JSON.stringify({ user_id: userId })}\n`, { mode: 0o600 })
  return { userId, token, orderId: orders[0]!.external_order_id }
}

async function findUnpaid(system: System, userId: string): Promise<string | undefined> {
  const { token } = await clientToken(system, SCOPE.ordersRead)
  return firstUnpaidOrder(system, token, userId)
}
