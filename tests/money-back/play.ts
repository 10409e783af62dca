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
  /** Whether money also moves without a request, which only a callback reports. */
  atConsole: boolean
  /** Numbers in [0, 1), the same for the same seed. What is drawn depends on no answer. */
  random: () => number
}

/** What an employee of the bank can do. */
type Moves = 'refunds' | 'returns' | 'captures'

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
 * a whole and more than there is, refunded at the bank's own console, or returned by the bank. Some
 * orders are paid again, which only one that failed can be, and some payments that the bank has
 * declined it captures later.
 */
export async function playUser(stage: Stage, user: SeededUser, tally: Tally): Promise<void> {
  const paymentIds: string[] = []
  for (const { external_order_id: orderId, amount, currency } of user.orders) {
    const paymentId = await pay(stage, user, orderId, tally)
    paymentIds.unshift(paymentId)
    if (stage.random() < 0.25) {
      const token = (): string => user.token
      await cancel(stage, { path: `payments/${paymentId}`, token }, tally)
    }
    // Some go back while the payment may still be in doubt, most once it has ended.
    if (stage.random() < 0.7) await untilEnded(stage, user, paymentId)
    const whole = parseAmount(amount, currency)
    const part = (): string =>
      formatAmount(BigInt(1 + Math.floor(stage.random() * Number(whole))), currency)
    const acts: Promise<void>[] = []
    const count = Math.floor(stage.random() * 4)
    for (let index = 0; index < count; index += 1) {
      const amount = stage.random() < 0.3 ? null : part()
      acts.push(refund(stage, { paymentId, amount, isCanceled: stage.random() < 0.1 }, tally))
    }
    if (stage.random() < 0.2) acts.push(payAgain(stage, user, orderId, tally))
    if (stage.atConsole) acts.push(...atConsole(stage, paymentIds, part, tally))
    await Promise.all(acts)
  }
}

/** Some payments are refunded or captured by an employee of the bank, or returned by its payee. */
function atConsole(
  stage: Stage,
  paymentIds: readonly string[],
  part: () => string,
  tally: Tally,
): Promise<void>[] {
  const [paymentId = ''] = paymentIds
  const acts: Promise<void>[] = []
  const move = (what: Moves, order: object, id = paymentId): void => {
    acts.push(moveAtConsole(stage, what, { payment_id: id, ...order }, tally))
  }
  if (stage.random() < 0.1) move('refunds', { amount: part() })
  if (stage.random() < 0.2) {
    const reason = RETURN_REASONS[Math.floor(stage.random() * RETURN_REASONS.length)]!
    // Some payees' banks return money of which nothing is left at ours.
    move('returns', { amount: part(), reason, beyond_charge: stage.random() < 0.3 })
  }
  // The money of one that failed before the last may have been spent since.
  const earlier = paymentIds[Math.floor(stage.random() * 4)]
  if (stage.random() < 0.5) move('captures', {}, earlier)
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

/** Another payment of the order; refused unless the first one has failed. */
async function payAgain(
  { gatewayUrl }: Stage,
  user: SeededUser,
  orderId: string,
  tally: Tally,
): Promise<void> {
  const key = randomUUID()
  await again(async () => {
    const { status, text } = await postPayment(gatewayUrl(), user, orderId, key)
    if (![202, 409].includes(status)) throw new Error(`a second payment got ${status}: ${text}`)
    count(tally, `second payment ${status}`)
  }, 'a second payment is answered')
}

/** A user cancels a payment, or a client a refund. */
async function cancel(
  { gatewayUrl }: Stage,
  { path, token }: { path: string; token: () => string | Promise<string> },
  tally: Tally,
): Promise<void> {
  await again(async () => {
    const headers = { authorization: `Bearer ${await token()}` }
    const url = `${gatewayUrl()}/api/v1/${path}/cancel`
    const { statusCode, body } = await request(url, { method: 'POST', headers })
    await body.dump()
    if (![202, 409].includes(statusCode)) throw new Error(`a cancel got ${statusCode}`)
    count(tally, `cancel of ${path.split('/')[0]} ${statusCode}`)
  }, 'a cancel is answered')
}

type Refund = { paymentId: string; amount: string | null; isCanceled: boolean }

async function refund(
  stage: Stage,
  { paymentId, amount, isCanceled }: Refund,
  tally: Tally,
): Promise<void> {
  const { gatewayUrl, clientToken } = stage
  const key = randomUUID()
  const refundId = await again(async () => {
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
    const answer = (await body.json()) as { code?: string; refund_id?: string }
    const { code = '' } = answer
    if (![202, 409, 422].includes(statusCode)) throw new Error(`a refund got ${statusCode} ${code}`)
    count(tally, `refund ${statusCode} ${code}`.trim())
    return answer.refund_id
  }, 'a refund is answered')
  if (!isCanceled) return
  // An act of the play either way, so that their number depends on no answer.
  if (refundId === undefined) count(tally, 'cancel of no refund')
  else await cancel(stage, { path: `refunds/${refundId}`, token: clientToken }, tally)
}

async function moveAtConsole(
  { bankUrl }: Stage,
  what: Moves,
  order: object,
  tally: Tally,
): Promise<void> {
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
