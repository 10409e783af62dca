import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { CommandTaker } from '../src/commands/take-commands.ts'
import { move } from './client-commands.ts'
import { ledgerDatabase, openWallets, submitAll, takerOf } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'

const LIMITS = { batchCommands: 4, queueCommands: 20 }

/** Resolves once a batch waits for the account's lock; returns what releases it. */
async function holdUp(
  db: Db,
  { accountId }: TestWallet,
  submitted: () => Promise<unknown>,
): Promise<{ release: () => Promise<void>; first: Promise<unknown> }> {
  const locking = await db.connect()
  await locking.query('BEGIN')
  await locking.query('SELECT FROM accounts WHERE account_id = $1 FOR UPDATE', [accountId])
  const first = submitted()
  await eventually(async () => {
    const { rows } = await db.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length === 1
  })
  const release = async (): Promise<void> => {
    await locking.query('COMMIT')
    locking.release()
  }
  return { release, first }
}

/** How many batches there were, and in which of them, from 1, this tenant has transfers. */
async function batchesOf(db: Db, tenantId: string): Promise<{ batches: number; own: number[] }> {
  const { rows } = await db.query<{ batch: bigint; tenant_id: string }>(
    `SELECT DISTINCT tenant_id, dense_rank() OVER (ORDER BY booked_at) AS batch
     FROM transfers ORDER BY batch`,
  )
  const own = rows.filter((row) => row.tenant_id === tenantId).map(({ batch }) => Number(batch))
  return { batches: Number(rows.at(-1)?.batch), own }
}

test('F7: a tenant that fills its queue neither delays another nor takes its place', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const [busy, quiet] = [newWallet({ tenantId: 'busy' }), newWallet({ tenantId: 'quiet' })]
  await openWallets(pool, [busy, quiet])
  const taker = takerOf(pool, LIMITS)
  const credit = (wallet: TestWallet) => taker.submit(move('credit', wallet, 1n), newTraceparent())
  const { release, first } = await holdUp(pool, busy, () => credit(busy))
  const waiting = fill(taker, busy, LIMITS.queueCommands)
  await assert.rejects(credit(busy), { code: 'OVERLOADED' })
  const batch = [move('credit', busy, 1n), move('credit', busy, 1n)]
  await assert.rejects(taker.submitAll(batch, newTraceparent()), { code: 'OVERLOADED' })
  const answered = credit(quiet)
  await release()
  assert.equal((await answered).status, 200)
  await first
  assert.ok((await waiting).every((it) => it.status === 'fulfilled' && it.value.status === 200))
  const { batches, own } = await batchesOf(pool, 'quiet')
  assert.deepEqual(own, [2])
  // The first, then 21 commands by fours.
  assert.equal(batches, 1 + 6)
})

function fill(taker: CommandTaker, wallet: TestWallet, count: number) {
  return submitAll(
    taker,
    Array.from({ length: count }, () => move('credit', wallet, 1n)),
  )
}
