import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Work } from '../src/ledger/origin.ts'
import { move } from './client-commands.ts'
import { ledgerDatabase, openWallets, processWork, runBatch } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'
import { clientWork } from './work.ts'

test('rule 7: two processes that book on one system account lock different slots', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallets = [newWallet(), newWallet()]
  await openWallets(pool, wallets)
  const [first, second] = wallets.map((wallet) => move('credit', wallet, 7n))
  // The slots exist already, as after a service's first minute.
  await runBatch(
    pool,
    wallets.map((wallet, slot) => clientWork(move('credit', wallet, 1n), slot)),
  )
  await transaction(pool, async (open) => {
    await processWork(open, [clientWork(first!, 0)])
    await bookWithoutWaiting(pool, clientWork(second!, 1))
  })
  const { rows } = await pool.query<{ slots: bigint; total: string }>(
    `SELECT count(DISTINCT stripe) AS slots, sum(available_minor)::text AS total
     FROM accounts WHERE kind = 'deposits_clearing'`,
  )
  assert.deepEqual(rows, [{ slots: 2n, total: '-16' }])
})

test('rule 8: keys, references and holds are unique for ever, across months', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const partitioned = await namesOf(
    pool,
    `SELECT relname AS name FROM pg_class WHERE relkind = 'p' ORDER BY 1`,
  )
  assert.deepEqual(partitioned, ['entries', 'outbox', 'transfers'])
  const unique = await namesOf(
    pool,
    `SELECT i.indrelid::regclass || '(' || string_agg(a.attname, ', ' ORDER BY k.place) || ')'
       AS name
     FROM pg_index i
     CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
     WHERE i.indisunique GROUP BY i.indexrelid, i.indrelid`,
  )
  for (const key of [
    'idempotency_keys(tenant_id, client_id, idempotency_key)',
    'command_references(tenant_id, kind, reference_id)',
    'holds(hold_key)',
  ]) {
    assert.ok(unique.includes(key), `${key} is not unique`)
  }
})

test("rule 10: the database refuses an expiry time for a payment's hold", async (t) => {
  const { pool } = await ledgerDatabase(t)
  const insert = (paymentId: string | null) =>
    pool.query(
      `INSERT INTO holds (hold_id, payment_id, account_id, amount_minor, remaining_minor,
         created_at, changed_at, expires_at, tenant_id, currency, status)
       VALUES ($1, $2, $1, 1, 1, now(), now(), now(), 'caudal', 'USD', 'open')`,
      [newId(), paymentId],
    )
  await assert.rejects(insert(newId()), /holds_of_payments_never_expire/)
  await insert(null)
})

test('rule 13, E4: no transfer is booked without a value date', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const required = await namesOf(
    pool,
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_name = 'transfers' AND column_name = 'value_date'
       AND data_type = 'date' AND is_nullable = 'NO'`,
  )
  assert.deepEqual(required, ['value_date'])
})

/** In a transaction of its own that fails, and is not repeated, when it has to wait. */
async function bookWithoutWaiting(db: Db, work: Work): Promise<void> {
  const tx = await db.connect()
  try {
    await tx.query('BEGIN')
    await tx.query("SET LOCAL lock_timeout = '2s'")
    await processWork(tx, [work])
    await tx.query('COMMIT')
  } catch (error) {
    await tx.query('ROLLBACK')
    throw error
  } finally {
    tx.release()
  }
}

async function namesOf(db: Db, sql: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(sql)
  return rows.map(({ name }) => name)
}
