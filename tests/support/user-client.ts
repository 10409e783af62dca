import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { eventually } from '@caudal/testing/eventually.ts'
import { type SeededUser, seedUsers } from 'caudal/demo-data/seed-users.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { verifySystem } from 'caudal/verify/verify-system.ts'
import { request } from 'undici'

export type { SeededUser }

/** A response of the gateway. */
export type UserResponse = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  body: Record<string, unknown>
}

/** What to create; one user with one order by default. */
export type SeedArgs = {
  users?: number
  orders?: number
  balance?: string
  amount?: string
  currency?: string
  /** The payee of all orders, for which a test can set the PSP simulator's behaviour. */
  account?: string
}

const FINAL_TIMEOUT_MS = 90_000
const QUIET_TIMEOUT_MS = 60_000

/** Creates users with orders and balances, like `caudal seed`. */
export async function seed(dataDir: string, args: SeedArgs = {}): Promise<SeededUser[]> {
  const { users = 1, orders = 1, balance = '100.00', amount = '10.00', currency = 'USD' } = args
  const system = await findSystem({ dataDir, url: undefined })
  return seedUsers(system, {
    users,
    ordersPerUser: orders,
    balance,
    amount,
    currency,
    accountNumber: args.account,
  })
}

/** Runs `caudal verify` and returns the violations. */
export async function violationsOf(dataDir: string): Promise<string[]> {
  const system = await findSystem({ dataDir, url: undefined })
  const { activity, checks } = await verifySystem(system, QUIET_TIMEOUT_MS)
  const violations = checks.flatMap(({ name, violations: own, under_way: underWay = 0 }) => [
    ...own.map((violation) => `${name}: ${violation}`),
    ...(underWay > 0 ? [`${name}: ${underWay} differences are still under way`] : []),
  ])
  return activity === 'idle' ? violations : [`the system is not idle: ${activity}`, ...violations]
}

/** Requests a payment of the user's order, like an app. */
export async function postPayment(
  gatewayUrl: string,
  user: SeededUser,
  orderId: string = user.orders[0]!.external_order_id,
  key: string = randomUUID(),
): Promise<UserResponse> {
  const answer = await request(`${gatewayUrl}/api/v1/payments`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.token}`,
      'idempotency-key': key,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ external_order_id: orderId }),
  })
  return read(answer)
}

/** GET below `/api/v1` as the user. */
export async function get(
  gatewayUrl: string,
  user: SeededUser,
  path: string,
): Promise<UserResponse> {
  const headers = { authorization: `Bearer ${user.token}` }
  return read(await request(`${gatewayUrl}/api/v1${path}`, { headers }))
}

async function read(answer: Awaited<ReturnType<typeof request>>): Promise<UserResponse> {
  const text = await answer.body.text()
  const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: answer.statusCode, headers: answer.headers, text, body }
}

/** Waits until the payment has one of the statuses and returns it. */
export async function paymentWithStatus(
  gatewayUrl: string,
  user: SeededUser,
  paymentId: string,
  statuses: readonly string[],
): Promise<Record<string, unknown>> {
  let last: Record<string, unknown> = {}
  return eventually(
    async () => {
      last = (await get(gatewayUrl, user, `/payments/${paymentId}`)).body
      if (statuses.includes(last['status'] as string)) return last
      throw new Error(`the payment is ${JSON.stringify(last)}`)
    },
    { timeoutMs: FINAL_TIMEOUT_MS, label: `payment ${paymentId} is ${statuses.join(' or ')}` },
  )
}

/** Lists all payments of the user, newest first. */
export async function paymentsOf(
  gatewayUrl: string,
  user: SeededUser,
): Promise<Record<string, unknown>[]> {
  const payments: Record<string, unknown>[] = []
  let cursor = ''
  for (;;) {
    const { body } = await get(gatewayUrl, user, `/payments?limit=100${cursor}`)
    payments.push(...(body['data'] as Record<string, unknown>[]))
    if (body['has_more'] !== true) return payments
    cursor = `&cursor=${encodeURIComponent(body['next_cursor'] as string)}`
  }
}

/** Waits until every payment of the user has one of the statuses and returns them all. */
export async function allWithStatus(
  gatewayUrl: string,
  user: SeededUser,
  statuses: readonly string[],
): Promise<Record<string, unknown>[]> {
  return eventually(
    async () => {
      const payments = await paymentsOf(gatewayUrl, user)
      const other = payments.find(({ status }) => !statuses.includes(status as string))
      if (other === undefined) return payments
      throw new Error(`a payment is ${JSON.stringify(other)}`)
    },
    { timeoutMs: FINAL_TIMEOUT_MS, label: `all payments are ${statuses.join(' or ')}` },
  )
}

/** Waits until this is available to the user, and nothing is held. */
export async function availableIs(
  gatewayUrl: string,
  user: SeededUser,
  available: string,
): Promise<void> {
  await eventually(async () => {
    assert.deepEqual(await balancesOf(gatewayUrl, user), { available, held: '0.00' })
    return true
  })
}

/** The balances of the user's only account. */
export async function balancesOf(
  gatewayUrl: string,
  user: SeededUser,
): Promise<{ available: string; held: string }> {
  const { body } = await get(gatewayUrl, user, '/wallet')
  const [account] = body['accounts'] as { available: string; held: string }[]
  return { available: account!.available, held: account!.held }
}

/** Sets the behaviour of the PSP simulator. */
export async function setBehaviour(pspUrl: string, behaviour: object): Promise<void> {
  const answer = await request(`${pspUrl}/admin/behaviour`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(behaviour),
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) {
    throw new Error(`the behaviour was refused with ${answer.statusCode}: ${text}`)
  }
}

/** A charge of the PSP. */
export type Charge = { payment_id: string; amount: string; currency: string }

/** Lists the PSP's charges of a payment. */
export async function chargesOf(pspUrl: string, paymentId: string): Promise<Charge[]> {
  return (await readPage<Charge>(`${pspUrl}/admin/charges?payment_id=${paymentId}`)).data
}

/** Counts the PSP's charges by payment. */
export function countCharges(pspUrl: string): Promise<Map<string, number>> {
  return countByPayment(`${pspUrl}/admin/charges`)
}

/** Counts the messages that devices received by payment, including repeats. */
export function countMessages(pushUrl: string): Promise<Map<string, number>> {
  return countByPayment(`${pushUrl}/admin/messages`)
}

/** The ids of the messages that devices received, by payment. */
export async function messageIdsOf(pushUrl: string): Promise<Map<string, Set<string>>> {
  const messages = await readAll<DeviceMessage>(`${pushUrl}/admin/messages`)
  const byPayment = Map.groupBy(messages, ({ payment_id: id }) => id)
  return new Map(
    [...byPayment].map(([id, own]) => [id, new Set(own.map(({ message_id: it }) => it))]),
  )
}

async function countByPayment(url: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { payment_id: id } of await readAll<{ payment_id: string }>(url)) {
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

async function readAll<T>(url: string): Promise<T[]> {
  const all: T[] = []
  for (let cursor = ''; ;) {
    const page = await readPage<T>(`${url}?limit=1000${cursor}`)
    all.push(...page.data)
    if (!page.has_more) return all
    cursor = `&cursor=${encodeURIComponent(page.next_cursor!)}`
  }
}

/** A message that a device received. */
export type DeviceMessage = { message_id: string; payment_id: string; user_id: string | null }

/** Lists the messages that devices received for a payment, including repeats. */
export async function messagesOf(pushUrl: string, paymentId: string): Promise<DeviceMessage[]> {
  return (await readPage<DeviceMessage>(`${pushUrl}/admin/messages?payment_id=${paymentId}`)).data
}

type Page<T> = { data: T[]; has_more: boolean; next_cursor: string | null }

async function readPage<T>(url: string): Promise<Page<T>> {
  const answer = await request(url)
  return (await answer.body.json()) as Page<T>
}
