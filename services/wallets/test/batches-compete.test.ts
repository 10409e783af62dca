import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Work } from '../src/ledger/origin.ts'
import { LEDGER_MOVED } from '../src/ledger/store/save-decision.ts'
import { expiringHold, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import {
  ledgerDatabase,
  openWallets,
  processWork,
  runBatch,
  runCommands,
} from './ledger-fixture.ts'
import { completed, failed, newPayment, requested, type TestPayment } from './payment-events.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { clientWork, eventWork } from './work.ts'

async function balanceOf(db: Db, { accountId }: TestWallet): Promise<[bigint, bigint, bigint]> {
  const { rows } = await db.query<{ available: string; held: string; version: bigint }>(
    `SELECT available_minor AS available, held_minor AS held, version FROM accounts
     WHERE account_id = $1`,
    [accountId],
  )
  const { available, held, version } = rows[0]!
  return [BigInt(available), BigInt(held), version]
}

test('two processes on the same accounts keep order, versions and sums', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallets = Array.from({ length: 6 }, () => newWallet())
  await openWallets(pool, wallets)
  await runCommands(pool, ...wallets.map((wallet) => move('credit', wallet, 100_000n)))
  // Each in its own order, so that locks taken in the order of the commands would deadlock.
  const worker = async (db: Db, order: readonly TestWallet[]): Promise<void> => {
    for (let batch = 0; batch < 12; batch += 1) {
      const payments = Array.from({ length: 10 }, (_, index) =>
        newPayment(order[(batch + index) % order.length]!, 10n),
      )
      const { outcomes } = await runBatch(
        db,
        payments.map((it) => eventWork(requested(it))),
      )
      const held = payments.map((it, index): TestPayment => {
        const outcome = outcomes[index]!
        assert.equal(outcome.type, 'posted')
        return { ...it, holdId: outcome.type === 'posted' ? outcome.transfer.transferId : '' }
      })
      const results = held.map((it, index) => (index % 2 === 0 ? completed(it) : failed(it)))
      await runBatch(
        db,
        results.map((it) => eventWork(it)),
      )
    }
  }
  await Promise.all([worker(pool, wallets), worker(other, wallets.toReversed())])
  assert.deepEqual(await findViolations(pool), [])
  const balances = await Promise.all(wallets.map((wallet) => balanceOf(pool, wallet)))
  const left = balances.reduce((sum, [available]) => sum + available, 0n)
  assert.equal(left, 600_000n - 120n * 10n)
  assert.deepEqual(
    balances.map(([, held]) => held),
    wallets.map(() => 0n),
  )
})

test('P9: 200 payments of a wallet that covers 100, from two processes: exactly 100 are held', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 1_000n))
  const worker = async (db: Db): Promise<number> => {
    let held = 0
    for (let batch = 0; batch < 10; batch += 1) {
      const work = Array.from({ length: 10 }, () => eventWork(requested(newPayment(wallet, 10n))))
      const { outcomes } = await runBatch(db, work)
      held += outcomes.filter((it) => it.type === 'posted').length
    }
    return held
  }
  const held = await Promise.all([worker(pool), worker(other)])
  assert.equal(held[0] + held[1], 100)
  assert.deepEqual(await balanceOf(pool, wallet), [0n, 1_000n, 101n])
  assert.deepEqual(await findViolations(pool), [])
})

test('rule 4: a payment that two processes hold at the same time is held once', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 1_000n))
  const event = requested(newPayment(wallet, 10n))
  const attempts = await Promise.allSettled(
    [pool, other].map((db) => runBatch(db, [eventWork(event)])),
  )
  const failures = attempts.filter((it) => it.status === 'rejected')
  for (const { reason } of failures) assert.match(String(reason), /holds_pkey/)
  assert.deepEqual(await balanceOf(pool, wallet), [990n, 10n, 2n])
})

for (const size of [1, 150]) {
  test(`rule 1: a refused compare-and-set leaves nothing of a batch of ${size}`, async (t) => {
    const { pool } = await ledgerDatabase(t)
    const wallet = newWallet()
    await openWallets(pool, [wallet])
    const credits = Array.from({ length: size }, () => clientWork(move('credit', wallet, 100n)))
    const meddled = transaction(pool, async (tx) => {
      // A planted bug: the account changes between the lock and the writing.
      const meddling = async (first: unknown, ...rest: unknown[]): Promise<unknown> => {
        const name = (first as { name?: string }).name
        if (name === 'save-decision') await tx.query('UPDATE accounts SET version = version + 1')
        return (tx.query as (...args: unknown[]) => unknown)(first, ...rest)
      }
      const meddler = { query: meddling } as unknown as Tx
      await processWork(meddler, credits)
    })
    await assert.rejects(meddled, { code: LEDGER_MOVED })
    assert.deepEqual(await balanceOf(pool, wallet), [0n, 0n, 0n])
    for (const table of ['transfers', 'entries', 'idempotency_keys', 'outbox']) {
      const { rows } = await pool.query(`SELECT FROM ${table}`)
      assert.equal(rows.length, 0, table)
    }
  })
}

/** Runs work as a batch and names its statements, in their order. */
async function statementsOf(
  db: Db,
  work: readonly Work[],
): Promise<{ names: string[]; fault: unknown }> {
  const names: string[] = []
  const run = transaction(db, (tx) => {
    const counting = (first: { name?: string }, ...rest: unknown[]): unknown => {
      names.push(first.name ?? '')
      return (tx.query as (...args: unknown[]) => unknown)(first, ...rest)
    }
    return processWork({ query: counting } as unknown as Tx, work)
  })
  const [{ reason: fault = null }] = (await Promise.allSettled([run])) as [{ reason?: unknown }]
  return { names, fault }
}

test('a batch of events is two statements: lock and load, write', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 1_000n))
  const work = Array.from({ length: 50 }, () => eventWork(requested(newPayment(wallet, 10n))))
  const { names, fault } = await statementsOf(pool, work)
  assert.equal(fault, null)
  assert.deepEqual(names, ['lock-ledger', 'save-decision'])
  // A planted bug: what happened cannot be observed. Nothing that nobody would await has been sent.
  const whole = clientWork(expiringHold(wallet, 10n, 60))
  const mute = { ...whole, origin: { ...whole.origin, traceparent: 42 as unknown as string } }
  const observed = await statementsOf(pool, [mute])
  assert.ok(observed.fault instanceof TypeError)
  assert.deepEqual(observed.names, ['lock-ledger', 'load-keys'])
})

test('rule 6: a batch locks its holds, then its accounts in the order of their ids', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallets = Array.from({ length: 8 }, () => newWallet())
  await openWallets(pool, wallets)
  await runCommands(pool, ...wallets.map((wallet) => move('credit', wallet, 100n)))
  const payments = wallets.map((wallet) => newPayment(wallet, 10n))
  await runBatch(
    pool,
    payments.map((it) => eventWork(requested(it))),
  )
  const sorted = wallets.map((it) => it.accountId).toSorted()
  const blocker = await pool.connect()
  await blocker.query('BEGIN')
  await blocker.query('SELECT FROM accounts WHERE account_id = $1 FOR UPDATE', [sorted[4]])
  // The holds are asked for again, so that they exist and are locked; nothing changes.
  const again = payments.map((it) => eventWork(requested(it)))
  const running = runBatch(pool, again)
  await eventually(
    async () => {
      const { rows } = await pool.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rows.length > 0
    },
    { label: 'the batch waits for the account in the middle' },
  )
  const free = await pool.query<{ id: string }>(
    `SELECT account_id AS id FROM accounts WHERE kind = 'wallet' FOR UPDATE SKIP LOCKED`,
  )
  const freeHolds = await pool.query('SELECT FROM holds FOR UPDATE SKIP LOCKED')
  await blocker.query('ROLLBACK')
  blocker.release()
  await running
  assert.deepEqual(free.rows.map(({ id }) => id).toSorted(), sorted.slice(5))
  assert.equal(freeHolds.rows.length, 0)
})
