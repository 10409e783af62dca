import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { close, move } from './client-commands.ts'
import { openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { newWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'
import { call, readJson, startWorld, type World } from './world.ts'

type Item = Record<string, unknown>
type Page = { data: Item[]; has_more: boolean; next_cursor: string | null }

const usd = (minor_units: number) => ({ minor_units, currency: 'USD' })

describe('the lists of the ledger for internal clients', () => {
  const scope = suiteScope()
  let world: World
  let token: string
  before(async () => {
    world = await startWorld(scope)
    token = await world.clientToken('ledger:read')
  })

  async function list(path: string): Promise<Page> {
    return (await readJson(world, path, token)) as Page
  }

  async function all(path: string): Promise<Item[]> {
    const items: Item[] = []
    let cursor = ''
    for (;;) {
      const page = await list(`${path}limit=2${cursor}`)
      items.push(...page.data)
      if (page.next_cursor === null) return items
      cursor = `&cursor=${page.next_cursor}`
    }
  }

  async function refused(path: string): Promise<void> {
    const { status, json } = await call(world, path, { token })
    assert.deepEqual([status, json['code']], [400, 'MALFORMED_REQUEST'], path)
  }

  test('the holds of an account come newest first, in every state', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 1_000n))
    const ids: string[] = []
    for (const amount of [10n, 20n, 30n]) {
      const { outcomes } = await runCommands(world.db, move('hold', wallet, amount))
      ids.unshift(outcomes[0]?.type === 'posted' ? outcomes[0].transfer.transferId : '')
    }
    await runCommands(world.db, close('commit', wallet, ids[2]!))
    await runCommands(world.db, close('rollback', wallet, ids[1]!))
    const payment = newPayment(wallet, 250n)
    const { outcomes } = await runBatch(world.db, [eventWork(requested(payment))])
    const holdId = outcomes[0]?.type === 'posted' ? outcomes[0].transfer.transferId : ''
    const holds = await all(`/v1/holds?account_id=${wallet.accountId.toUpperCase()}&`)
    assert.deepEqual(
      holds.map((hold) => [hold['hold_id'], hold['status'], hold['amount'], hold['remaining']]),
      [
        [holdId, 'open', usd(250), usd(250)],
        [ids[0], 'open', usd(30), usd(30)],
        [ids[1], 'released', usd(20), usd(0)],
        [ids[2], 'committed', usd(10), usd(0)],
      ],
    )
    const ofPayment = `/v1/holds?payment_id=${payment.paymentId}`
    assert.deepEqual((await list(ofPayment)).data, holds.slice(0, 1))
    await runBatch(world.db, [eventWork(completed({ ...payment, holdId }))])
    assert.equal((await list(ofPayment)).data[0]!['status'], 'committed')
    for (const key of ids) assert.deepEqual((await list(`/v1/holds?payment_id=${key}`)).data, [])
  })

  test('the transfers of a reference are found by it and by kind', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const reference = `order ${newId()}/1`
    await runCommands(world.db, move('credit', wallet, 500n, { reference }))
    await runCommands(world.db, move('debit', wallet, 200n, { reference }))
    await runCommands(world.db, move('hold', wallet, 100n, { reference }))
    const path = `/v1/transfers?reference_id=${encodeURIComponent(reference)}&`
    const found = await all(path)
    assert.deepEqual(
      found.map((one) => [one['kind'], one['amount'], one['reference_id'], one['account_id']]),
      [
        ['credit', usd(500), reference, wallet.accountId],
        ['debit', usd(200), reference, wallet.accountId],
        ['hold', usd(100), reference, wallet.accountId],
      ],
    )
    assert.deepEqual(await all(`${path}kind=debit&`), [found[1]])
    assert.deepEqual(await all(`${path}kind=commit&`), [])
    const whole = await call(world, `/v1/transfers/${String(found[0]!['transfer_id'])}`, { token })
    assert.equal(whole.json['reference_id'], reference)
    assert.deepEqual((await list('/v1/transfers?reference_id=unknown')).data, [])
  })

  test('the accounts of a tenant are those of all its wallets', async () => {
    const tenantId = 'north'
    const wallets = Array.from({ length: 5 }, () => newWallet({ tenantId }))
    await openWallets(world.db, wallets)
    await runCommands(world.db, move('credit', wallets[0]!, 7n))
    const north = await world.clientToken('ledger:read', 'tester', tenantId)
    const ids: unknown[] = []
    let cursor = ''
    do {
      const { json } = await call(world, `/v1/accounts?limit=2${cursor}`, { token: north })
      const page = json as unknown as Page
      ids.push(...page.data.map((account) => account['account_id']))
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
    } while (cursor !== '')
    assert.deepEqual(ids, wallets.map(({ accountId }) => accountId).toSorted())
  })

  test('another tenant sees none of them, and another scope is refused', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const reference = newId()
    await runCommands(world.db, move('credit', wallet, 500n, { reference }))
    await runCommands(world.db, move('hold', wallet, 5n))
    const elsewhere = await world.clientToken('ledger:read', 'tester', 'elsewhere')
    const narrow = await world.clientToken('ledger:credit')
    for (const path of [
      `/v1/holds?account_id=${wallet.accountId}`,
      `/v1/transfers?reference_id=${reference}`,
      '/v1/accounts',
    ]) {
      assert.equal((await list(path)).data.length > 0, true, path)
      const other = await call(world, path, { token: elsewhere })
      assert.deepEqual([other.status, other.json['data']], [200, []], path)
      assert.equal((await call(world, path, { token: narrow })).status, 403, path)
    }
  })

  test('a list without its name and a changed cursor are refused', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 9n))
    await runCommands(world.db, move('hold', wallet, 1n), move('hold', wallet, 1n))
    const path = `/v1/holds?account_id=${wallet.accountId}`
    const { next_cursor: cursor } = await list(`${path}&limit=1`)
    for (const bad of [
      '/v1/holds',
      `${path}&payment_id=${newId()}`,
      '/v1/holds?account_id=x',
      `/v1/holds?account_id=${newId()}&cursor=${cursor}`,
      '/v1/transfers',
      '/v1/transfers?reference_id=',
      '/v1/transfers?reference_id=x&kind=gift',
      `/v1/accounts?user_id=${newId()}&wallet_id=${newId()}`,
      `/v1/accounts?cursor=${cursor}`,
      ...changedCursors(cursor!).map((changed) => `${path}&cursor=${changed}`),
    ]) {
      await refused(bad)
    }
  })
})
