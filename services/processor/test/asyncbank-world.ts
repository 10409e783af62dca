import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { SECRET, type PspFact } from './callback-world.ts'
import { type Asyncbank, startAsyncbank } from './start-asyncbank.ts'
import { fundsReserved, readResults, type World, world } from './world.ts'

/** An item of a batch of callbacks. */
export type Item = Record<string, string>
/** A key of the bank with which a test signs. */
export type BankKey = { id: string; secret: string; privateKey: KeyObject }
type Fact = { state: string; cause: string | null; callback_state: string }

/** Payments to this service go to the asynchronous bank. */
export const AT_ASYNCBANK = 'Water'

export type AsyncbankWorld = World & {
  service: RunningService
  asyncbank: Asyncbank
  /** A key of the account `main`, beside that of the bank, and one of the account `shop`. */
  own: BankKey
  ofShop: BankKey
  /** Reserves a payment at the bank and waits until the bank has it; returns the bank's id too. */
  send(account?: string): Promise<{ payment: FundsReserved; itsId: string }>
  /** Such a payment that has completed. */
  pay(): Promise<{ payment: FundsReserved; itsId: string }>
  /** Posts a signed batch of items to the account `main`; returns the status of the answer. */
  post(items: readonly unknown[], key?: BankKey): Promise<number>
  /** Waits until the fact of the bank with this key does not wait, and returns it. */
  applied(key: string): Promise<Fact>
  /** Events on psp.facts in which the id occurs. */
  facts(id: string): Promise<PspFact[]>
}

/**
 * A processor with both PSPs, which receives the callbacks of the asynchronous bank and has no
 * other way to learn an outcome in time: neither a query nor a repeat comes by itself.
 */
export async function asyncbankWorld(
  scope: TestScope,
  given: Record<string, string> = {},
): Promise<AsyncbankWorld> {
  const asyncbank = await startAsyncbank(scope)
  const [own, ofShop] = [newBankKey('own'), newBankKey('shop')]
  const accounts = {
    main: { secrets: [await asyncbank.callBack(null), own.secret] },
    shop: { secrets: [ofShop.secret], tenant: 'shops' },
  }
  const it = await world(scope, {
    CAUDAL_PSPS: 'asyncbank',
    ...asyncbank.env,
    CAUDAL_PSP_CALLBACK_SECRETS: SECRET,
    CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: JSON.stringify(accounts),
    CAUDAL_PSP_ROUTES: JSON.stringify([{ service: AT_ASYNCBANK, psps: ['asyncbank'] }]),
    CAUDAL_PSP_TIMEOUT: '10m',
    CAUDAL_PSP_FIRST_QUERY: '60s',
    CAUDAL_PSP_QUERY_MAX: '60s',
    ...given,
  })
  const service = await it.start()
  await asyncbank.callBack(`${service.url}/callbacks/asyncbank/main`)
  const answered = async ({ payment_id: id }: FundsReserved): Promise<string | undefined> => {
    const { rows } = await it.db.query<{ its_id: string | null }>(
      `SELECT gateway_response->>'gateway_transaction_id' AS its_id FROM payments
       WHERE payment_id = $1`,
      [id],
    )
    return rows[0]?.its_id ?? undefined
  }
  const send: AsyncbankWorld['send'] = async (account) => {
    const payment = fundsReserved(account)
    payment.payment_data.service_name = AT_ASYNCBANK
    await it.reserve([payment])
    const itsId = await eventually(async () => {
      const [charge] = await asyncbank.list('charges', payment.payment_id)
      return charge ? String(charge['gateway_transaction_id']) : answered(payment)
    })
    return { payment, itsId }
  }
  return {
    ...it,
    service,
    asyncbank,
    own,
    ofShop,
    send,
    async pay() {
      const sent = await send()
      const { event_type: type } = await it.final(sent.payment.payment_id)
      assert.equal(type, 'payment.completed')
      return sent
    },
    post: (items, key = own) => postBatch(service.url, items, key),
    applied: (key) =>
      eventually(async () => {
        const { rows } = await it.db.query<Fact>(
          `SELECT f.state, f.cause, c.state AS callback_state
           FROM callback_facts f JOIN callbacks c USING (callback_id)
           WHERE f.psp = 'asyncbank' AND f.key = $1 AND f.state <> 'RECEIVED'`,
          [key],
        )
        return rows[0]
      }),
    async facts(id) {
      const all = await readResults<PspFact>(it.log, TOPICS.pspFacts)
      return all.filter((event) => JSON.stringify(event).includes(`"${id}"`))
    },
  }
}

function newBankKey(id: string): BankKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { id, secret: `${id}:${Buffer.from(x, 'base64url').toString('base64')}`, privateKey }
}

/** Posts a batch as the bank does. */
async function postBatch(
  url: string,
  items: readonly unknown[],
  { id, privateKey }: BankKey,
): Promise<number> {
  const body = JSON.stringify({ batch: `B${randomUUID()}`, items })
  const time = String(Math.floor(Date.now() / 1_000))
  const signature = sign(null, Buffer.from(`${time}.${body}`), privateKey).toString('base64')
  const answer = await fetch(`${url}/callbacks/asyncbank/main`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-timestamp': time,
      'x-signature': `keyid=${id};ed25519=${signature}`,
    },
    body,
  })
  await answer.arrayBuffer()
  return answer.status
}

/** An item about a payment at the bank. */
export function itemOf(
  { payment, itsId }: { payment: FundsReserved; itsId: string },
  state: string,
  more: Item = {},
): Item {
  return {
    id: itsId,
    ref: hexOf(payment.payment_id),
    kind: 'pay',
    state,
    amount: '1000',
    ccy: 'USD',
    at: new Date().toISOString(),
    ...more,
  }
}

/** An id of ours as the bank has it. */
export function hexOf(id: string): string {
  return id.replaceAll('-', '')
}
