import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { parseEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { systemAccount } from '../src/ledger/domain/account.ts'
import { close, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'
import { call, readJson, type Reply, startWorld, type World } from './world.ts'

type Row = Record<string, unknown>

describe('a settlement account per PSP', () => {
  const scope = suiteScope()
  let world: World

  before(async () => {
    world = await startWorld(scope)
  })

  /** A wallet of a tenant of the test's own, with money. */
  async function fundedWallet(tenantId: string): Promise<TestWallet> {
    const wallet = newWallet({ tenantId })
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 100n))
    return wallet
  }

  /** A payment that is committed by the event as it names the PSP, or names none. */
  async function settle(wallet: TestWallet, amount: bigint, psp?: string, partition = 0) {
    const payment = newPayment(wallet, amount)
    const { outcomes } = await runBatch(world.db, [eventWork(requested(payment))])
    const [held] = outcomes
    assert(held?.type === 'posted')
    const settled = { ...payment, holdId: held.transfer.transferId }
    await runBatch(world.db, [eventWork(completed(settled, psp), partition)])
  }

  async function balanceOf(tenantId: string, slot: number, psp: string | null) {
    const named = { tenantId, kind: 'psp_settlement', currency: 'USD', slot, psp } as const
    const { rows } = await world.db.query<{ available_minor: string; psp: string | null }>(
      'SELECT available_minor, psp FROM accounts WHERE account_id = $1',
      [systemAccount(named).accountId],
    )
    return rows[0] && [rows[0].available_minor, rows[0].psp]
  }

  async function read(tenantId: string, path: string): Promise<Row[]> {
    const token = await world.clientToken('ledger:read', 'tester', tenantId)
    return (await readJson(world, path, token))['data'] as Row[]
  }

  test('commits go to the account of their PSP, and those without one to the default', async () => {
    const tenantId = 'two-psps'
    const wallet = await fundedWallet(tenantId)
    await settle(wallet, 1n)
    await settle(wallet, 2n, 'main')
    await settle(wallet, 4n, 'other')
    await settle(wallet, 8n, 'other', 5)
    const hold = move('hold', wallet, 16n)
    await runCommands(world.db, hold)
    await runCommands(world.db, close('commit', wallet, hold.transferId))
    assert.deepEqual(await balanceOf(tenantId, 0, null), ['19', null])
    assert.deepEqual(await balanceOf(tenantId, 0, 'other'), ['4', 'other'])
    assert.deepEqual(await balanceOf(tenantId, 5, 'other'), ['8', 'other'])
    assert.deepEqual(await findViolations(world.db), [])
  })

  test('system accounts are listed with their PSP, page by page', async () => {
    const tenantId = 'listed'
    const wallet = await fundedWallet(tenantId)
    for (const psp of ['zeta', 'alpha', 'main']) await settle(wallet, 3n, psp)
    await settle(wallet, 5n, 'zeta', 7)
    const found: unknown[] = []
    const token = await world.clientToken('ledger:read', 'tester', tenantId)
    let cursor: string | null = null
    do {
      const from = cursor === null ? '' : `&cursor=${cursor}`
      const { json }: Reply = await call(world, `/v1/system-accounts?limit=1${from}`, { token })
      for (const { kind, psp, available, stripes } of json['data'] as Row[]) {
        found.push([kind, psp, (available as { minor_units: number }).minor_units, stripes])
      }
      cursor = json['next_cursor'] as string | null
    } while (cursor !== null)
    assert.deepEqual(found, [
      ['deposits_clearing', null, -100, 1],
      ['psp_settlement', 'main', 3, 1],
      ['psp_settlement', 'alpha', 3, 1],
      ['psp_settlement', 'zeta', 8, 2],
    ])
  })

  test('the trial balance sums the settlement accounts, each on its side', async () => {
    const tenantId = 'sides'
    const wallet = await fundedWallet(tenantId)
    await settle(wallet, 10n, 'other')
    await settle(wallet, 20n)
    const [balances] = await read(tenantId, '/v1/trial-balance')
    const settlement = (balances!['accounts'] as Row[]).find(
      ({ kind }) => kind === 'psp_settlement',
    )
    assert.deepEqual(
      [settlement?.['accounts'], settlement?.['available'], settlement?.['credit']],
      [2, { minor_units: 30, currency: 'USD' }, { minor_units: 30, currency: 'USD' }],
    )
    assert.deepEqual(balances!['total'], { minor_units: 0, currency: 'USD' })
  })

  test('one settlement account is read with its PSP', async () => {
    const tenantId = 'read'
    await settle(await fundedWallet(tenantId), 10n, 'other')
    await settle(await fundedWallet(tenantId), 10n)
    const token = await world.clientToken('ledger:read', 'tester', tenantId)
    for (const psp of ['main', 'other']) {
      const of = { tenantId, kind: 'psp_settlement', currency: 'USD', slot: 0, psp } as const
      const path = `/v1/accounts/${systemAccount(of).accountId}`
      assert.equal((await call(world, path, { token })).json['psp'], psp)
    }
  })

  test('the opening of an account names its PSP, unless it is the default one', async () => {
    const tenantId = 'opened'
    const wallet = await fundedWallet(tenantId)
    await settle(wallet, 1n)
    await settle(wallet, 1n, 'other')
    const { rows } = await world.db.query<{ psp: string | null }>(
      `SELECT payload::jsonb ->> 'psp' AS psp FROM outbox
       WHERE payload::jsonb ->> 'tenant_id' = $1 AND payload::jsonb ->> 'kind' = 'psp_settlement'
       ORDER BY id`,
      [tenantId],
    )
    assert.deepEqual(
      rows.map(({ psp }) => psp),
      [null, 'other'],
    )
  })

  test('the database refuses a PSP that is malformed, the default one or of another kind', async () => {
    const tenantId = 'refused'
    await settle(await fundedWallet(tenantId), 1n, 'other')
    for (const [psp, kind] of [
      ['Other', 'psp_settlement'],
      ['a/b', 'psp_settlement'],
      ['main', 'psp_settlement'],
      ['other', 'deposits_clearing'],
    ]) {
      await assert.rejects(
        world.asAdmin('UPDATE accounts SET psp = $1 WHERE kind = $2', [psp, kind]),
        /accounts_psp_is_another_one/,
      )
    }
  })
})

test('an event with a malformed name of a PSP is unreadable', () => {
  const event = completed(newPayment(newWallet(), 1n))
  for (const psp of [
    '',
    'Main',
    '1st',
    '_a',
    'a-b',
    'a/b',
    'ñ',
    'a'.repeat(33),
    'main\n',
    7,
    null,
  ]) {
    const read = parseEvent(serializeEvent({ ...event, psp } as typeof event))
    assert.equal(read.kind, 'unreadable', String(psp))
  }
  for (const psp of ['main', 'a', 'psp_2', 'a'.repeat(32)]) {
    assert.equal(parseEvent(serializeEvent({ ...event, psp })).kind, 'event', psp)
  }
})
