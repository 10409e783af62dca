import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import pg from 'pg'
import type { Command } from '../src/ledger/domain/command.ts'
import { sweepHolds } from '../src/upkeep/sweep-holds.ts'
import { close, expiringHold, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { newPayment, requested } from './payment-events.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'

function sweep(db: Db): Promise<number> {
  return sweepHolds({
    db,
    region: 'test',
    observer: { holdsExpired: () => undefined },
    afterCommit: () => undefined,
  })
}

async function outcomeOf(db: Db, command: Command): Promise<string> {
  const { outcomes } = await runCommands(db, command)
  const [outcome] = outcomes
  return outcome !== undefined && 'code' in outcome ? outcome.code : outcome!.type
}

async function balancesOf(db: Db, { accountId }: TestWallet): Promise<string[]> {
  const { rows } = await db.query<{ available: string; held: string }>(
    'SELECT available_minor AS available, held_minor AS held FROM accounts WHERE account_id = $1',
    [accountId],
  )
  return [rows[0]!.available, rows[0]!.held]
}

/** As if the time of these holds were over now. */
async function endTimeOf(adminUrl: string, holdIds: readonly string[]): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  for (const table of ['holds', 'hold_expiries']) {
    const sql = `UPDATE ${table} SET expires_at = date_trunc('milliseconds', now())
                 WHERE hold_id = ANY($1::uuid[])`
    await admin.query(sql, [holdIds])
  }
  await admin.end()
}

async function queueOf(db: Db): Promise<number> {
  return (await db.query('SELECT FROM hold_expiries')).rows.length
}

test('an expired hold is not open, even before a sweep has ended it', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const over = expiringHold(wallet, 30n, 0)
  await runCommands(pool, move('credit', wallet, 100n), over)
  assert.deepEqual(await balancesOf(pool, wallet), ['70', '30'])
  assert.equal(await outcomeOf(pool, close('commit', wallet, over.transferId)), 'HOLD_NOT_OPEN')
  assert.equal(await outcomeOf(pool, close('rollback', wallet, over.transferId)), 'HOLD_NOT_OPEN')
  assert.equal(await sweep(pool), 1)
  assert.deepEqual(await balancesOf(pool, wallet), ['100', '0'])
  assert.equal(await queueOf(pool), 0)
  const { rows } = await pool.query(
    `SELECT kind, reason, client_id, hold_id FROM transfers ORDER BY booked_at DESC LIMIT 1`,
  )
  const ended = { kind: 'rollback', reason: 'hold_expired', client_id: null }
  assert.deepEqual(rows, [{ ...ended, hold_id: over.transferId }])
  assert.deepEqual(await findViolations(pool), [])
})

test('a sweep ends only expired holds, and releases their remaining amount', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const [part, later] = [expiringHold(wallet, 10n, 3_600), expiringHold(wallet, 10n, 3_600)]
  await runCommands(pool, move('credit', wallet, 100n), part, later, move('hold', wallet, 10n))
  await runBatch(pool, [eventWork(requested(newPayment(wallet, 10n)))])
  await runCommands(pool, close('commit', wallet, part.transferId, 4n))
  assert.equal(await sweep(pool), 0)
  await endTimeOf(adminUrl, [part.transferId])
  assert.equal(await sweep(pool), 1)
  // 4 are gone; the payment, the later one and the one without an end keep 10 each.
  assert.deepEqual(await balancesOf(pool, wallet), ['66', '30'])
  assert.equal(await queueOf(pool), 1)
  assert.deepEqual(await findViolations(pool), [])
})

test('commit, rollback and the end of its time race for a hold: exactly one wins', async (t) => {
  const { pool, url, adminUrl } = await ledgerDatabase(t)
  const processes = ['one', 'two', 'three'].map((name) =>
    createPool({ url, applicationName: name }),
  )
  t.after(() => Promise.all(processes.map((it) => it.end())).then(() => undefined))
  const wallets = Array.from({ length: 24 }, () => newWallet())
  await openWallets(pool, wallets)
  await runCommands(pool, ...wallets.map((it) => move('credit', it, 10n)))
  const holds = wallets.map((it) => expiringHold(it, 10n, 3_600))
  await runCommands(pool, ...holds)
  const closings = (kind: 'commit' | 'rollback', order: readonly number[]) =>
    order.map((it) => close(kind, wallets[it]!, holds[it]!.transferId))
  const order = wallets.map((_, index) => index)
  const [one, two, three] = processes as [Db, Db, Db]
  // One by one, so that the three meet many times; time is over for the last half in between.
  const worker = async (db: Db, commands: readonly Command[]): Promise<string[]> => {
    const seen: string[] = []
    for (const command of commands) seen.push(await outcomeOf(db, command))
    return seen
  }
  const overdue = async (): Promise<number> => {
    await endTimeOf(
      adminUrl,
      holds.slice(8).map((it) => it.transferId),
    )
    return sweep(three)
  }
  const [commits, rollbacks, expired] = await Promise.all([
    worker(one, closings('commit', order)),
    worker(two, closings('rollback', order.toReversed())),
    overdue(),
  ])
  const wins = [...commits, ...rollbacks].filter((it) => it === 'posted').length
  const left = await sweep(three)
  assert.equal(wins + expired + left, wallets.length)
  for (const it of [...commits, ...rollbacks]) assert.match(it, /posted|HOLD_NOT_OPEN/)
  const { rows } = await pool.query<{ times: number }>(
    `SELECT count(*)::int AS times FROM transfers WHERE kind IN ('commit', 'rollback')
     GROUP BY hold_id`,
  )
  assert.deepEqual(
    rows,
    wallets.map(() => ({ times: 1 })),
  )
  assert.deepEqual(await findViolations(pool), [])
})

test('one of two concurrent sweeps does the work', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 2_000n))
  const holds = Array.from({ length: 1_200 }, () => expiringHold(wallet, 1n, 0))
  await runCommands(pool, ...holds)
  const swept = await Promise.all([sweep(pool), sweep(other)])
  const rest = await sweep(pool)
  assert.equal(swept[0] + swept[1] + rest, holds.length)
  assert.deepEqual(await balancesOf(pool, wallet), ['2000', '0'])
  assert.deepEqual(await findViolations(pool), [])
})

test('one sweep ends all expired holds, also if some had ended before', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const holds = Array.from({ length: 1_100 }, () => expiringHold(wallet, 1n, 3_600))
  await runCommands(pool, move('credit', wallet, 2_000n), ...holds)
  const early = holds.filter((_, index) => index % 7 === 0)
  await runCommands(pool, ...early.map((it) => close('commit', wallet, it.transferId)))
  await endTimeOf(
    adminUrl,
    holds.map((it) => it.transferId),
  )
  assert.equal(await sweep(pool), holds.length - early.length)
  assert.deepEqual(await balancesOf(pool, wallet), [`${2_000 - early.length}`, '0'])
  assert.equal(await queueOf(pool), 0)
})
