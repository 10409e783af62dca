import { randomUUID } from 'node:crypto'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { request } from 'undici'
import { get, postPayment, type SeededUser } from '../support/user-client.ts'

/** How the players reach the system and the banks. */
export type Stage = {
  gatewayUrl: () => string
  /** The bank at which the payments of these users are made. */
  bankUrl: () => string
  /** The token of a client that may ask for refunds; made anew, since tokens expire. */
  clientToken: () => Promise<string>
  /** Whether money is also sent back without a refund, which only a callback reports. */
  atConsole: boolean
  /** Numbers in [0, 1), the same for the same seed. */
  random: () => number
}

/** What was asked for, and how often each answer came. */
export type Tally = Map<string, number>

// A crash of everything and the start after it are shorter, on any machine.
const AGAIN_MS = 120_000
const REQUEST_MS = 15_000
const SETTLED = ['COMPLETED', 'FAILED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'RETURNED']
// Not AC01 and AC04, which block the payee for all that follow.
const RETURN_REASONS = ['AC06', 'AM05', 'FOCR', 'MS03']

/**
 * One user pays all orders, one after the other. Some payments are canceled, refunded in part or as
 * a whole and more than there is, refunded at the bank's own console, or returned by the bank.
 */
export async function playUser(stage: Stage, user: SeededUser, tally: Tally): Promise<void> {
  for (const { external_order_id: orderId, amount, currency } of user.orders) {
    const paymentId = await pay(stage, user, orderId, tally)
    if (stage.random() < 0.25) await cancel(stage, user, paymentId, tally)
    // Some go back while the payment may still be in doubt, most once it has ended.
    if (stage.random() < 0.7) await untilEnded(stage, user, paymentId)
    const whole = parseAmount(amount, currency)
    const part = (): string =>
      formatAmount(BigInt(1 + Math.floor(stage.random() * Number(whole))), currency)
    const acts: Promise<void>[] = []
    const count = Math.floor(stage.random() * 3)
    for (let index = 0; index < count; index += 1) {
      acts.push(refund(stage, paymentId, stage.random() < 0.3 ? null : part(), tally))
    }
    if (stage.atConsole) acts.push(...backAtConsole(stage, paymentId, part, tally))
    await Promise.all(acts)
  }
}

/** Some payments are refunded by an employee of the bank, or returned by the payee's. */
function backAtConsole(
  stage: Stage,
  paymentId: string,
  part: () => string,
  tally: Tally,
): Promise<void>[] {
  const acts: Promise<void>[] = []
  if (stage.random() < 0.1) acts.push(atConsole(stage, 'refunds', paymentId, part(), tally))
  if (stage.random() < 0.2) acts.push(atConsole(stage, 'returns', paymentId, part(), tally))
  return acts
}

/** The same key until there is an answer. */
async function pay(
  { gatewayUrl }: Stage,
  user: SeededUser,
  orderId: string,
  tally: Tally,
): Promise<string> {
  const key = randomUUID()
  return again(async () => {
    const { status, body, text } = await postPayment(gatewayUrl(), user, orderId, key)
    if (status !== 202) throw new Error(`a payment got ${status}: ${text}`)
    count(tally, 'payment 202')
    return String(body['payment_id'])
  }, 'a payment is accepted')
}

async function cancel(
  { gatewayUrl }: Stage,
  user: SeededUser,
  paymentId: string,
  tally: Tally,
): Promise<void> {
  await again(async () => {
    const headers = { authorization: `Bearer ${user.token}` }
    const url = `${gatewayUrl()}/api/v1/payments/${paymentId}/cancel`
    const { statusCode, body } = await request(url, { method: 'POST', headers })
    await body.dump()
    if (![202, 409].includes(statusCode)) throw new Error(`a cancel got ${statusCode}`)
    count(tally, `cancel ${statusCode}`)
  }, 'a cancel is answered')
}

async function refund(
  { gatewayUrl, clientToken }: Stage,
  paymentId: string,
  amount: string | null,
  tally: Tally,
): Promise<void> {
  const key = randomUUID()
  await again(async () => {
    const { statusCode, body } = await request(
      `${gatewayUrl()}/api/v1/payments/${paymentId}/refunds`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await clientToken()}`,
          'idempotency-key': key,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ reason: 'other', ...(amount !== null && { amount }) }),
        signal: AbortSignal.timeout(REQUEST_MS),
      },
    )
    const { code = '' } = (await body.json()) as { code?: string }
    if (![202, 409, 422].includes(statusCode)) throw new Error(`a refund got ${statusCode} ${code}`)
    count(tally, `refund ${statusCode} ${code}`.trim())
  }, 'a refund is answered')
}

async function atConsole(
  { bankUrl, random }: Stage,
  what: 'refunds' | 'returns',
  paymentId: string,
  amount: string,
  tally: Tally,
): Promise<void> {
  const reason = RETURN_REASONS[Math.floor(random() * RETURN_REASONS.length)]
  const order = { payment_id: paymentId, amount, ...(what === 'returns' && { reason }) }
  // Not again if there is no answer: what a second one moves would be money of its own.
  const answer = await request(`${bankUrl()}/admin/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  }).catch(() => undefined)
  await answer?.body.dump()
  count(tally, `console ${what} ${answer?.statusCode ?? 'without an answer'}`)
}

/** Waits until the payment has ended, but not for one that stays in doubt. */
async function untilEnded(stage: Stage, user: SeededUser, paymentId: string): Promise<void> {
  await again(async () => {
    const { body } = await get(stage.gatewayUrl(), user, `/payments/${paymentId}`)
    if (![...SETTLED, 'IN_DOUBT'].includes(String(body['status']))) {
      throw new Error(`the payment is ${JSON.stringify(body)}`)
    }
  }, 'a payment ends or is in doubt')
}

/** Tries again while processes are killed and started. */
async function again<T>(act: () => Promise<T>, label: string): Promise<T> {
  const { done } = await eventually(async () => ({ done: await act() }), {
    timeoutMs: AGAIN_MS,
    label,
  })
  return done
}

function count(tally: Tally, what: string): void {
  tally.set(what, (tally.get(what) ?? 0) + 1)
}
