import { randomUUID } from 'node:crypto'
import { eventually } from '@caudal/testing/eventually.ts'
import { request } from 'undici'
import { caudalJson } from './run-caudal.ts'

export type SeededUser = {
  user_id: string
  token: string
  wallet_id: string
  account_id: string
  orders: { external_order_id: string; amount: string; service_account_number: string }[]
}

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  body: Record<string, unknown>
}

export type SeedArgs = {
  users?: number
  orders?: number
  balance?: string
  amount?: string
  /** All orders pay to this account, whose behaviour a test can set at the PSP simulator. */
  account?: string
}

/** New users with orders and money, by `caudal seed`. */
export async function seed(dataDir: string, args: SeedArgs = {}): Promise<SeededUser[]> {
  const { users = 1, orders = 1, balance = '100.00', amount = '10.00', account } = args
  const words = ['seed', '--users', `${users}`, '--orders', `${orders}`]
  words.push('--balance', balance, '--amount', amount)
  if (account !== undefined) words.push('--account-number', account)
  return (await caudalJson<{ users: SeededUser[] }>(dataDir, words)).users
}

/** Asks for a payment of the user's order, as an app does. */
export async function postPayment(
  gatewayUrl: string,
  user: SeededUser,
  orderId: string = user.orders[0]!.external_order_id,
  key: string = randomUUID(),
): Promise<Answer> {
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
export async function get(gatewayUrl: string, user: SeededUser, path: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${user.token}` }
  return read(await request(`${gatewayUrl}/api/v1${path}`, { headers }))
}

async function read(answer: Awaited<ReturnType<typeof request>>): Promise<Answer> {
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
  return eventually(
    async () => {
      const { body } = await get(gatewayUrl, user, `/payments/${paymentId}`)
      return statuses.includes(body['status'] as string) ? body : undefined
    },
    { timeoutMs: 60_000, label: `payment ${paymentId} is ${statuses.join(' or ')}` },
  )
}

/** The two balances of the user's only account. */
export async function balancesOf(
  gatewayUrl: string,
  user: SeededUser,
): Promise<{ available: string; held: string }> {
  const { body } = await get(gatewayUrl, user, '/wallet')
  const [account] = body['accounts'] as { available: string; held: string }[]
  return { available: account!.available, held: account!.held }
}

/** How the PSP simulator treats requests that pay to an account (interfaces.md). */
export async function setBehaviour(pspUrl: string, behaviour: object): Promise<void> {
  const answer = await request(`${pspUrl}/admin/behaviour`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(behaviour),
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`behaviour refused: ${answer.statusCode} ${text}`)
}

/** What the simulators' books say about a payment. */
export async function chargesOf(pspUrl: string, paymentId: string): Promise<unknown[]> {
  return book(`${pspUrl}/admin/charges?payment_id=${paymentId}`)
}

/** Messages that devices got for a payment, repeats included. */
export async function messagesOf(pushUrl: string, paymentId: string): Promise<unknown[]> {
  return book(`${pushUrl}/admin/messages?payment_id=${paymentId}`)
}

async function book(url: string): Promise<unknown[]> {
  const answer = await request(url)
  return ((await answer.body.json()) as { data: unknown[] }).data
}
