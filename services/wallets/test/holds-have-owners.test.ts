import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { assertProblem, type LedgerClient, ledgerClient } from './ledger-client.ts'
import type { TestWallet } from './test-wallet.ts'
import { startWorld, type World } from './world.ts'

describe('a hold belongs to the client that made it', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient
  let owner: string
  let stranger: string
  let admin: string

  before(async () => {
    world = await startWorld(scope)
    ledger = await ledgerClient(world)
    owner = await world.clientToken('ledger:write', 'shop')
    stranger = await world.clientToken('ledger:write', 'other-shop')
    admin = await world.clientToken('ledger:hold ledger:admin', 'desk')
  })

  async function held(): Promise<{ wallet: TestWallet; ending: Record<string, unknown> }> {
    const wallet = await ledger.wallet(100)
    const amount = { minor_units: 40, currency: wallet.currency }
    const body = { account_id: wallet.accountId, amount }
    const reply = await ledger.post('/v1/wallet/hold', body, { token: owner })
    assert.equal(reply.status, 200, reply.text)
    const ending = { account_id: wallet.accountId, hold_id: reply.json['hold_id'] }
    return { wallet, ending }
  }

  test('F1: another client can neither commit nor release it, and its key stays free', async () => {
    const { wallet, ending } = await held()
    const key = newId()
    for (const kind of ['commit', 'rollback']) {
      const reply = await ledger.post(`/v1/wallet/${kind}`, ending, { token: stranger, key })
      assertProblem(reply, 403, 'FORBIDDEN')
    }
    assert.equal(await ledger.balances(wallet), '60/40')
    const own = await ledger.post('/v1/wallet/rollback', ending, { token: owner, key })
    assert.equal(own.status, 200, own.text)
    assert.equal(await ledger.balances(wallet), '100/0')
  })

  test('inside a batch neither, alone or with others', async () => {
    const { wallet, ending } = await held()
    const command = { command: 'commit', ...ending, reason: 'test', reference_id: newId() }
    const alone = { commands: [{ ...command, idempotency_key: newId() }] }
    const headers = { 'x-idempotency-key': newId() }
    const send = { token: stranger, headers }
    const each = await ledger.post('/v1/batch', { ...alone, ...noName }, send)
    const [result] = each.json['results'] as { status: number; body: { code: string } }[]
    assert.deepEqual([result?.status, result?.body.code], [403, 'FORBIDDEN'])
    const together = { atomic: true, commands: [command], ...noName }
    const all = await ledger.post('/v1/batch', together, send)
    assertProblem(all, 422, 'BATCH_NOT_APPLIED')
    assert.deepEqual(all.json['failed'], { index: 0, status: 403, code: 'FORBIDDEN' })
    assert.equal(await ledger.balances(wallet), '60/40')
  })

  test('a hold from before holds named their client belongs to the client of its transfer', async () => {
    const { wallet, ending } = await held()
    await world.asAdmin('UPDATE holds SET client_id = NULL WHERE hold_id = $1', [ending['hold_id']])
    const refused = await ledger.post('/v1/wallet/commit', ending, { token: stranger })
    assertProblem(refused, 403, 'FORBIDDEN')
    const own = await ledger.post('/v1/wallet/commit', ending, { token: owner })
    assert.equal(own.status, 200, own.text)
    assert.equal(await ledger.balances(wallet), '60/0')
  })

  test('a client with ledger:admin may end it', async () => {
    const { wallet, ending } = await held()
    const reply = await ledger.post('/v1/wallet/commit', ending, { token: admin })
    assert.equal(reply.status, 200, reply.text)
    assert.equal(await ledger.balances(wallet), '60/0')
  })
})

/** A batch has no reason and reference of its own. */
const noName = { reason: undefined, reference_id: undefined }
