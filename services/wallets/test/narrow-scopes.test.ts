import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findViolations } from './find-violations.ts'
import { assertProblem, type LedgerClient, ledgerClient, posting } from './ledger-client.ts'
import type { TestWallet } from './test-wallet.ts'
import { startWorld, type World } from './world.ts'

/** A batch has no reason and reference of its own. */
const NO_NAME = { reason: undefined, reference_id: undefined }

describe('narrow scopes of the ledger', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient

  before(async () => {
    world = await startWorld(scope)
    ledger = await ledgerClient(world)
  })

  function moving(command: string, { accountId, currency }: TestWallet, units: number) {
    const amount = { minor_units: units, currency }
    return { command, account_id: accountId, amount, reason: 'test', reference_id: newId() }
  }

  test('F14: each command of a batch asks for the scope of its own kind', async () => {
    const [one, two] = [await ledger.wallet(100), await ledger.wallet()]
    const token = await world.clientToken('ledger:credit ledger:hold')
    const transfer = { command: 'transfer', reason: 'test', reference_id: newId() }
    const commands = [
      moving('credit', one, 5),
      moving('debit', one, 5),
      moving('hold', one, 5),
      { ...transfer, postings: [posting(one, -5), posting(two, 5)] },
    ]
    const keyed = commands.map((it) => ({ ...it, idempotency_key: newId() }))
    const each = await ledger.post('/v1/batch', { commands: keyed, ...NO_NAME }, { token })
    const results = each.json['results'] as { status: number; body: Record<string, unknown> }[]
    assert.deepEqual(
      results.map((it) => it.status),
      [200, 403, 200, 403],
    )
    assert.equal(results[1]?.body['code'], 'FORBIDDEN')
    assert.match(String(results[3]?.body['detail']), /lacks the scope ledger:transfer/)
    assert.equal(await ledger.balances(one), '100/5')
    const atomic = { atomic: true, commands: commands.slice(0, 2), ...NO_NAME }
    const all = await ledger.post('/v1/batch', atomic, { token })
    assertProblem(all, 403, 'FORBIDDEN')
    assert.equal(all.json['param'], 'commands.1')
    assert.equal(await ledger.balances(one), '100/5')
  })

  test('F14: an account of the system is named with ledger:system, by kind or by id', async () => {
    const wallet = await ledger.wallet(100)
    const { rows } = await world.db.query<{ account_id: string }>(
      `SELECT account_id FROM accounts WHERE kind = 'deposits_clearing' LIMIT 1`,
    )
    const amount = { minor_units: 1, currency: 'USD' }
    const byKind = { postings: [posting(wallet, -1), posting(['fees', 'USD'], 1)] }
    const byId = { postings: [posting(wallet, -1), { account_id: rows[0]!.account_id, amount }] }
    const narrow = await world.clientToken('ledger:transfer')
    const wide = await world.clientToken('ledger:transfer ledger:system')
    for (const body of [byKind, byId]) {
      const refused = await ledger.post('/v1/transfers', body, { token: narrow })
      assertProblem(refused, 403, 'FORBIDDEN')
      assert.match(String(refused.json['detail']), /ledger:system/)
      const done = await ledger.post('/v1/transfers', body, { token: wide })
      assert.equal(done.status, 200, done.text)
    }
    assert.equal(await ledger.balances(wallet), '98/0')
  })

  test('F14: an overdraft is used with ledger:overdraft', async () => {
    const [wallet, other] = [await ledger.wallet(10), await ledger.wallet()]
    const { accountId, currency } = wallet
    const limit = { limit: { minor_units: 90, currency } }
    const limited = await ledger.post(`/v1/accounts/${accountId}/overdraft`, limit)
    assert.equal(limited.status, 200, limited.text)
    const kinds = 'ledger:debit ledger:hold ledger:transfer'
    const narrow = await world.clientToken(kinds)
    const wide = await world.clientToken(`${kinds} ledger:overdraft`)
    const amount = { minor_units: 11, currency }
    const attempts: [path: string, body: object, left: string][] = [
      ['/v1/wallet/debit', { account_id: accountId, amount }, '-1/0'],
      ['/v1/wallet/hold', { account_id: accountId, amount }, '-12/11'],
      ['/v1/transfers', { postings: [posting(wallet, -11), posting(other, 11)] }, '-23/11'],
    ]
    for (const [path, body, left] of attempts) {
      const key = newId()
      const refused = await ledger.post(path, body, { token: narrow, key })
      assertProblem(refused, 403, 'FORBIDDEN')
      assert.match(String(refused.json['detail']), /ledger:overdraft/)
      // The refusal is not bound to the key: with the scope the same request is carried out.
      assert.equal((await ledger.post(path, body, { token: wide, key })).status, 200, path)
      assert.equal(await ledger.balances(wallet), left)
    }
    const much = { account_id: accountId, amount: { minor_units: 91, currency } }
    const beyond = await ledger.post('/v1/wallet/debit', much, { token: narrow })
    assertProblem(beyond, 422, 'INSUFFICIENT_FUNDS')
  })

  test('ledger:write does all of it', async () => {
    const wallet = await ledger.wallet(10)
    const { accountId, currency } = wallet
    const limit = { limit: { minor_units: 90, currency } }
    await ledger.post(`/v1/accounts/${accountId}/overdraft`, limit)
    const token = await world.clientToken('ledger:write')
    const postings = [posting(wallet, -20), posting(['fees', 'USD'], 20)]
    const done = await ledger.post('/v1/transfers', { postings }, { token })
    assert.equal(done.status, 200, done.text)
    assert.equal(await ledger.balances(wallet), '-10/0')
  })

  test('the books are consistent after these tests', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})
