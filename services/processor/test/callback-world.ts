import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { call } from './call.ts'
import { fundsReserved, readResults, type World, world } from './world.ts'

export const SECRET = 'secret-of-main'
export const FORMER_SECRET = 'former-secret-of-main'
export const OTHER_SECRET = 'secret-of-the-shop'

const ACCOUNTS = {
  main: { secrets: [SECRET, FORMER_SECRET] },
  shop: { secrets: [OTHER_SECRET], tenant: 'shops' },
}

/** An event on psp.facts. */
export type PspFact = Extract<
  CaudalEvent,
  {
    event_type:
      | 'payment.captured_late'
      | 'refund.found'
      | 'return.received'
      | 'dispute.opened'
      | 'dispute.closed'
      | 'psp.contradicted'
  }
>
export type StoredFact = {
  key: string
  state: string
  cause: string | null
  payment_id: string | null
  callback_state: string
}
type Signing = { secret?: string; account?: string; psp?: string; seconds?: number; body?: string }

export type CallbackWorld = World & {
  service: RunningService
  /** Reserves a payment to the account and waits for its final event. */
  pay(account?: string): Promise<FundsReserved>
  /** Delivers the PSP's callbacks to the service, or to none. */
  deliver(to: string | null): Promise<void>
  /** Posts a signed callback. */
  post(members: Record<string, unknown>, how?: Signing): Promise<{ status: number; code: unknown }>
  /** Facts whose key or payment is this, in the order of their arrival. */
  stored(about: string): Promise<StoredFact[]>
  /** Waits until no fact of the payment or key waits, and returns at least `count` of them. */
  settled(about: string, count?: number): Promise<StoredFact[]>
  /** Events on psp.facts about a payment, refund, return or callback. */
  facts(id: string): Promise<PspFact[]>
  /** Asks the PSP's console. */
  console(path: string, body: object): Promise<Record<string, unknown>>
}

/** A processor that receives the callbacks of the simulator, which signs with the first secret. */
export async function callbackWorld(
  scope: TestScope,
  given: Record<string, string> = {},
): Promise<CallbackWorld> {
  const secrets = { CAUDAL_PSP_CALLBACK_SECRETS: JSON.stringify(ACCOUNTS) }
  const it = await world(scope, { ...secrets, ...given })
  const service = await it.start()
  const deliver = async (to: string | null): Promise<void> => {
    const url = to === null ? null : `${to}/callbacks/main/main`
    const body = { url, secret: SECRET }
    const { status, text } = await call(`${it.pspUrl}/admin/callbacks`, { method: 'PUT', body })
    assert.equal(status, 200, text)
  }
  await deliver(service.url)
  const stored = async (about: string): Promise<StoredFact[]> => {
    const { rows } = await it.db.query<StoredFact>(
      `SELECT f.key, f.state, f.cause, f.payment_id, c.state AS callback_state
       FROM callback_facts f JOIN callbacks c USING (callback_id)
       WHERE f.key = $1 OR f.payment_id::text = $1 OR f.fact->>'paymentId' = $1
       ORDER BY f.callback_id, f.position`,
      [about],
    )
    return rows
  }
  return {
    ...it,
    service,
    deliver,
    stored,
    async pay(account) {
      const event = fundsReserved(account)
      await it.reserve([event])
      await it.final(event.payment_id)
      return event
    },
    post: (members, how = {}) => post(service.url, members, how),
    settled: (about, count = 1) =>
      eventually(async () => {
        const facts = await stored(about)
        assert.ok(facts.length >= count, `${facts.length} facts`)
        assert.ok(
          facts.every(({ state }) => state !== 'RECEIVED'),
          JSON.stringify(facts),
        )
        return facts
      }),
    async facts(id) {
      const all = await readResults<PspFact>(it.log, TOPICS.pspFacts)
      return all.filter((event) => JSON.stringify(event).includes(`"${id}"`))
    },
    async console(path, body) {
      const { status, json, text } = await call(`${it.pspUrl}${path}`, { method: 'POST', body })
      assert.ok(status < 300, text)
      return json()
    },
  }
}

/** Posts a callback with the PSP's signature. */
export async function post(
  url: string,
  members: Record<string, unknown>,
  { secret = SECRET, account = 'main', psp = 'main', seconds, body }: Signing = {},
): Promise<{ status: number; code: unknown }> {
  const text = body ?? JSON.stringify({ event_id: randomUUID(), ...members })
  const time = seconds ?? Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${time}.${text}`).digest('hex')
  const answer = await fetch(`${url}/callbacks/${psp}/${account}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-gateway-signature': `t=${time},v1=${signature}`,
    },
    body: text,
  })
  const read = (await answer.json()) as { code?: unknown }
  return { status: answer.status, code: read.code }
}

/** The members of a callback about a payment. */
export function about(
  { payment_id, payment_data }: FundsReserved,
  verb: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    event_id: randomUUID(),
    type: `payment.${verb}`,
    payment_id,
    gateway_transaction_id: `g-${payment_id}`,
    status: verb,
    amount: payment_data.amount,
    currency: payment_data.currency,
    ...more,
  }
}
