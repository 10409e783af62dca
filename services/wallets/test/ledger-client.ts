import assert from 'node:assert/strict'
import { newId } from '@caudal/contracts/ids.ts'
import { openWallets } from './ledger-fixture.ts'
import { newWallet, type TestWallet, type WalletOptions } from './test-wallet.ts'
import { call, type Reply, type World } from './world.ts'

export interface Posted {
  key?: string
  token?: string
  headers?: Record<string, string>
}

/** An internal client of a running service. */
export interface LedgerClient {
  /** Posts a body; a reason and a reference, which is the key, are filled in unless given. */
  post(path: string, body: object, posted?: Posted): Promise<Reply>
  /** A wallet with so many minor units in it. */
  wallet(minorUnits?: number, options?: WalletOptions): Promise<TestWallet>
  /** `available/held` of a wallet's account. */
  balances(of: TestWallet): Promise<string>
}

export async function ledgerClient(world: World): Promise<LedgerClient> {
  const token = await world.clientToken('ledger:write ledger:admin')
  const client: LedgerClient = {
    post(path, body, { key = newId(), headers, ...rest } = {}) {
      return call(world, path, {
        token: rest.token ?? token,
        headers: { 'x-idempotency-key': key, ...headers },
        body: { reason: 'test', reference_id: key, ...body },
      })
    },
    async wallet(minorUnits = 0, options = {}) {
      const wallet = newWallet(options)
      await openWallets(world.db, [wallet])
      if (minorUnits > 0) {
        const { accountId: account_id, currency } = wallet
        const body = { account_id, amount: { minor_units: minorUnits, currency } }
        assert.equal((await client.post('/v1/wallet/credit', body)).status, 200)
      }
      return wallet
    },
    async balances({ accountId }) {
      const { rows } = await world.db.query<{ both: string }>(
        `SELECT available_minor || '/' || held_minor AS both FROM accounts WHERE account_id = $1`,
        [accountId],
      )
      return rows[0]!.both
    },
  }
  return client
}

/** A refusal as a problem document with this code, and this detail if one is given. */
export function assertProblem(reply: Reply, status: number, code: string, detail?: RegExp): void {
  assert.equal(reply.status, status, reply.text)
  assert.equal(reply.headers['content-type'], 'application/problem+json')
  assert.equal(reply.json['code'], code)
  if (detail !== undefined) assert.match(String(reply.json['detail']), detail)
}

/** A posting on a wallet's account, or on one of the system. */
export function posting(on: TestWallet | [system: string, currency: string], units: number) {
  if (Array.isArray(on)) {
    const [system_account, currency] = on
    return { system_account, amount: { minor_units: units, currency } }
  }
  return { account_id: on.accountId, amount: { minor_units: units, currency: on.currency } }
}
