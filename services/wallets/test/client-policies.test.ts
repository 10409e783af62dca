import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { ClientPolicy } from '../src/ledger/domain/policy.ts'
import { atomic, close, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { assertProblem, type LedgerClient, ledgerClient, posting } from './ledger-client.ts'
import { ledgerDatabase, openWallets, runCommands, submitAll, takerOf } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'
import { call, startWorld, type World } from './world.ts'

const SHOP = {
  client_id: 'shop',
  account_kinds: ['wallet'],
  currencies: { USD: { max_per_transfer: '1.00', max_per_day: '2.50' } },
}

describe('policies of clients over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient
  let shop: string

  before(async () => {
    const policies = JSON.stringify([SHOP])
    world = await startWorld(scope, { CAUDAL_WALLETS_CLIENT_POLICIES: policies })
    ledger = await ledgerClient(world)
    shop = await world.clientToken('ledger:write', 'shop')
  })

  test('F14: a client moves the accounts, currencies and amounts of its policy', async () => {
    const [wallet, yen] = [
      await ledger.wallet(10_000),
      await ledger.wallet(500, { currency: 'JPY' }),
    ]
    const debit = (units: number, token = shop, key = newId()) => {
      const amount = { minor_units: units, currency: 'USD' }
      const body = { account_id: wallet.accountId, amount }
      return ledger.post('/v1/wallet/debit', body, { token, key })
    }
    const system = { postings: [posting(wallet, -5), posting(['fees', 'USD'], 5)] }
    const refused = await ledger.post('/v1/transfers', system, { token: shop })
    assertProblem(refused, 403, 'NOT_ALLOWED_BY_POLICY')
    assert.match(String(refused.json['detail']), /kind fees/)
    const inYen = { account_id: yen.accountId, amount: { minor_units: 5, currency: 'JPY' } }
    const foreign = await ledger.post('/v1/wallet/debit', inYen, { token: shop })
    assertProblem(foreign, 403, 'NOT_ALLOWED_BY_POLICY')
    assertProblem(await debit(101), 422, 'TRANSFER_LIMIT_EXCEEDED')
    const key = newId()
    assert.equal((await debit(100, shop, key)).status, 200)
    assert.equal((await debit(100, shop, key)).headers['idempotency-replayed'], 'true')
    assert.equal((await debit(100)).status, 200)
    const beyond = await debit(51)
    assertProblem(beyond, 422, 'DAILY_LIMIT_EXCEEDED')
    assert.match(String(beyond.json['detail']), /^251 USD on .*, the policy allows 250$/)
    assert.equal((await debit(50)).status, 200)
    assert.equal(await ledger.balances(wallet), '9750/0')
    const free = await world.clientToken('ledger:write', 'another')
    assert.equal((await debit(5_000, free)).status, 200)
  })

  test('a transfer shows the version of the policy that permitted it', async () => {
    const [from, to] = [await ledger.wallet(100), await ledger.wallet()]
    await world.asAdmin('DELETE FROM client_spending') // another day
    const body = { postings: [posting(from, -7), posting(to, 7)] }
    const reply = await ledger.post('/v1/transfers', body, { token: shop })
    assert.equal(reply.status, 200, reply.text)
    const reader = await world.clientToken('ledger:read')
    const path = `/v1/transfers/${String(reply.json['transfer_id'])}`
    const { json } = await call(world, path, { token: reader })
    const { rows } = await world.db.query<{ policy: unknown }>(
      `SELECT policy FROM client_policies
       WHERE tenant_id = 'caudal' AND client_id = 'shop' AND policy_version = $1`,
      [json['policy_version']],
    )
    const { account_kinds, currencies } = SHOP
    assert.deepEqual(rows, [{ policy: { account_kinds, currencies } }])
    await world.restart()
    const { rows: kept } = await world.db.query('SELECT FROM client_policies')
    assert.equal(kept.length, 1)
  })

  test('the books are consistent after these tests', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})

test('a batch locks only the sums of a day that it adds to', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const limits = { perTransferMinor: null, perDayMinor: 1_000n }
  const policy: ClientPolicy = {
    version: 'v1',
    accountKinds: null,
    currencies: new Map([
      ['USD', limits],
      ['EUR', limits],
    ]),
  }
  const locked = async (): Promise<unknown[]> => {
    const { rows } = await pool.query('SELECT currency, spent_minor::text FROM client_spending')
    return rows
  }
  const hold = move('hold', wallet, 4n)
  await runCommands(pool, move('credit', wallet, 10n), hold)
  await runCommands(pool, { ...close('commit', wallet, hold.transferId), policy })
  assert.deepEqual(await locked(), [])
  await runCommands(pool, { ...move('debit', wallet, 5n), policy })
  assert.deepEqual(await locked(), [{ currency: 'USD', spent_minor: '5' }])
})

test('rule 6: the sum of a day is kept by two processes at once, to the last cent', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other', plans: 'by_key' })
  t.after(() => other.end())
  const policy: ClientPolicy = {
    version: 'v1',
    accountKinds: null,
    currencies: new Map([['USD', { perTransferMinor: null, perDayMinor: 1_000n }]]),
  }
  const wallets = Array.from({ length: 8 }, () => newWallet())
  await openWallets(pool, wallets)
  const takers = [pool, other].map((db, slot) =>
    takerOf(db, { batchCommands: 4, slots: [slot, slot + 2] }),
  )
  const credit = (index: number) => ({ ...move('credit', wallets[index % 8]!, 10n), policy })
  const settled = await Promise.all(
    takers.map((taker) =>
      submitAll(
        taker,
        Array.from({ length: 70 }, (_, index) => credit(index)),
      ),
    ),
  )
  const together = await takers[0]!.submit(atomic([credit(0), credit(1)]), '')
  assert.match(together.body, /DAILY_LIMIT_EXCEEDED/)
  const statuses = settled.flat().map((one) => {
    assert(one.status === 'fulfilled')
    if (one.value.status !== 200) assert.match(one.value.body, /DAILY_LIMIT_EXCEEDED/)
    return one.value.status
  })
  assert.equal(statuses.filter((status) => status === 200).length, 100)
  const { rows } = await pool.query<{ credited: string; spent: string }>(
    `SELECT (SELECT sum(available_minor) FROM accounts WHERE kind = 'wallet')::text AS credited,
       (SELECT sum(spent_minor) FROM client_spending)::text AS spent`,
  )
  assert.deepEqual(rows, [{ credited: '1000', spent: '1000' }])
  assert.deepEqual(await findViolations(pool), [])
})
