import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Answer } from '../src/ledger/answer-batch.ts'
import type { Command } from '../src/ledger/domain/command.ts'
import { move, transfer } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, submitAll, takerOf } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'

test('commands that arrive together share few transactions', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallets = Array.from({ length: 20 }, () => newWallet())
  await openWallets(pool, wallets)
  const taker = takerOf(pool)
  const commands = Array.from({ length: 400 }, (_, index) =>
    move('credit', wallets[index % 20]!, 1n),
  )
  const settled = await submitAll(taker, commands)
  assert.ok(settled.every((it) => it.status === 'fulfilled' && it.value.status === 200))
  const { rows } = await pool.query('SELECT DISTINCT booked_at FROM transfers')
  assert.ok(rows.length <= 3, `${rows.length} transactions`)
})

test('F2: two processes with the same key at the same time give one answer and move money once', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const takers = [takerOf(pool), takerOf(other)]
  for (let round = 0; round < 10; round += 1) {
    const keys = Array.from({ length: 5 }, (_, index) => `round-${round}-${index}`)
    const answers = await Promise.all(
      takers.map((taker, process) => {
        // In opposite orders, and with transfers of their own, as two processes would.
        const order = process === 0 ? keys : keys.toReversed()
        return submitAll(
          taker,
          order.map((key) => move('credit', wallet, 10n, { key })),
        )
      }),
    )
    const [first, second] = answers.map((settled) =>
      settled.map((it) => (it.status === 'fulfilled' ? it.value.body : String(it.reason))),
    )
    assert.deepEqual(first, second?.toReversed())
  }
  const { rows } = await pool.query(`SELECT available_minor FROM accounts WHERE kind = 'wallet'`)
  assert.deepEqual(rows, [{ available_minor: '500' }])
  assert.deepEqual(await findViolations(pool), [])
})

/** A wallet whose account goes into this lane of two. */
function walletOfLane(lane: number): TestWallet {
  for (;;) {
    const wallet = newWallet()
    if (wallet.accountId.charCodeAt(wallet.accountId.length - 1) % 2 === lane) return wallet
  }
}

/** What becomes of one request's commands while the lane of the first is held up by a lock. */
async function settleBehindLock(
  db: Db,
  held: TestWallet,
  commands: readonly Command[],
): Promise<Answer[]> {
  const taker = takerOf(db, { slots: [0, 1] })
  const locking = await db.connect()
  await locking.query('BEGIN')
  await locking.query('SELECT FROM accounts WHERE account_id = $1 FOR UPDATE', [held.accountId])
  const before = taker.submit(move('credit', held, 1n), newTraceparent())
  const answers = taker.submitAll(commands, newTraceparent())
  // The other lane is free: it would have done its part by the time of a command behind that.
  const free = walletOfLane(1 - laneOf(held))
  await openWallets(db, [free])
  await taker.submit(move('credit', free, 1n), newTraceparent())
  await locking.query('COMMIT')
  locking.release()
  await before
  return answers
}

const laneOf = ({ accountId }: TestWallet): number => accountId.charCodeAt(accountId.length - 1) % 2

test('F1: dependent commands of one request in several lanes are applied in their order', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const [held, first, second] = [walletOfLane(0), walletOfLane(0), walletOfLane(1)]
  await openWallets(pool, [held, first, second])
  const statusesOf = async (...commands: Command[]): Promise<number[]> =>
    (await settleBehindLock(pool, held, commands)).map(({ status }) => status)
  const through = transfer([
    [first, -100n],
    [second, 100n],
  ])
  const passing = [move('credit', first, 100n), through, move('debit', second, 100n)]
  assert.deepEqual(await statusesOf(...passing), [200, 200, 200])
  const key = 'one key'
  const sameKey = [move('credit', first, 1n, { key }), move('credit', second, 1n, { key })]
  assert.deepEqual(await statusesOf(...sameKey), [200, 422])
  const reference = 'one reference'
  const sameReference = [first, second].map((it) => move('credit', it, 1n, { reference }))
  assert.deepEqual(await statusesOf(...sameReference), [200, 409])
  assert.deepEqual(await findViolations(pool), [])
})

test('independent commands of one request stay in their own lanes', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const [held, other] = [walletOfLane(0), walletOfLane(1)]
  await openWallets(pool, [held, other])
  const commands = [move('credit', held, 1n), move('credit', other, 1n)]
  const answers = await settleBehindLock(pool, held, commands)
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  )
  const { rows } = await pool.query<{ account_id: string; slot: number }>(
    `SELECT e.account_id, a.stripe AS slot FROM entries e
     JOIN entries s USING (transfer_id) JOIN accounts a ON a.account_id = s.account_id
     WHERE a.kind = 'deposits_clearing' AND e.account_id = ANY ($1)
     GROUP BY 1, 2 ORDER BY slot`,
    [[held.accountId, other.accountId]],
  )
  assert.deepEqual(rows, [
    { account_id: held.accountId, slot: 0 },
    { account_id: other.accountId, slot: 1 },
  ])
})

test('F7: a batch is refused as a whole if the queue of one lane is full', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const [full, free] = [walletOfLane(0), walletOfLane(1)]
  await openWallets(pool, [full, free])
  const taker = takerOf(pool, { slots: [0, 1], queueCommands: 4 })
  const locking = await pool.connect()
  await locking.query('BEGIN')
  await locking.query('SELECT FROM accounts WHERE account_id = $1 FOR UPDATE', [full.accountId])
  const credit = () => taker.submit(move('credit', full, 1n), newTraceparent())
  const first = credit()
  await eventually(async () => {
    const { rows } = await pool.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length === 1
  })
  const waiting = [first, ...Array.from({ length: 4 }, credit)]
  const batch = [move('credit', full, 1n), move('credit', free, 1n)]
  const refusal = taker.submitAll(batch, newTraceparent())
  await assert.rejects(refusal, { code: 'OVERLOADED' })
  await taker.submit(move('credit', free, 5n), newTraceparent())
  await locking.query('COMMIT')
  locking.release()
  await Promise.all(waiting)
  await taker.drain()
  const { rows } = await pool.query('SELECT available_minor FROM accounts WHERE account_id = $1', [
    free.accountId,
  ])
  assert.deepEqual(rows, [{ available_minor: '5' }])
  assert.equal((await taker.submitAll(batch, newTraceparent())).length, 2)
})

test('a command that the database rejects fails alone', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const poison = { ...move('credit', wallet, 1n), reason: 'nul \0' }
  const commands = [move('credit', wallet, 1n), poison, move('credit', wallet, 1n)]
  const settled = await submitAll(takerOf(pool), commands)
  assert.deepEqual(
    settled.map((it) => it.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('F7: commands are refused at once if the queue is full', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const commands = Array.from({ length: 20 }, () => move('credit', wallet, 1n))
  const settled = await submitAll(takerOf(pool, { queueCommands: 5 }), commands)
  const refused = settled.filter((it) => it.status === 'rejected')
  assert.equal(refused.length, 15)
  for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'OVERLOADED')
})

test('a command whose COMMIT answer is lost is read back by its key, and applied once', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  let lost = 0
  const connect = pool.connect.bind(pool)
  const losing = {
    async connect() {
      const client = await connect()
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
      const patched = async (...args: unknown[]): Promise<unknown> => {
        const result = await query(...args)
        if (args[0] !== 'COMMIT' || lost > 0) return result
        lost += 1
        throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' })
      }
      return Object.assign(client, { query: patched })
    },
  } as unknown as Db
  const answer = await takerOf(losing).submit(move('credit', wallet, 10n), newTraceparent())
  assert.equal(lost, 1)
  assert.deepEqual([answer.status, answer.replayed], [200, true])
  const { rows } = await pool.query('SELECT FROM transfers')
  assert.equal(rows.length, 1)
})
