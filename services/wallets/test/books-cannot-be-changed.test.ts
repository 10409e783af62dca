import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'

const FORBIDDEN = [
  'UPDATE entries SET amount_minor = 0',
  'DELETE FROM entries',
  'TRUNCATE entries',
  'UPDATE transfers SET amount_minor = 1',
  'DELETE FROM transfers',
  'TRUNCATE transfers',
  'DELETE FROM accounts',
  'TRUNCATE accounts',
  "UPDATE accounts SET currency = 'EUR'",
  'UPDATE accounts SET user_id = NULL',
  'DELETE FROM holds',
  'UPDATE holds SET amount_minor = 1',
  'UPDATE idempotency_keys SET status = 200',
  'DELETE FROM idempotency_keys',
  'UPDATE command_references SET transfer_id = NULL',
  'DELETE FROM command_references',
  'DROP TABLE entries',
  'ALTER TABLE entries ADD COLUMN note text',
]

test('F1: the runtime role can neither change nor remove what is booked', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n))
  const partitions = await pool.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits
     WHERE inhparent IN ('entries'::regclass, 'transfers'::regclass)`,
  )
  assert.ok(partitions.rows.length > 4)
  const around = partitions.rows.flatMap(({ name }) => [
    `UPDATE ${name} SET amount_minor = 1`,
    `DELETE FROM ${name}`,
    `TRUNCATE ${name}`,
    `INSERT INTO ${name} DEFAULT VALUES`,
  ])
  for (const statement of [...FORBIDDEN, ...around]) {
    const denied = /permission denied|must be owner/
    await assert.rejects(pool.query(statement), denied, `${statement} was not refused`)
  }
})

test('P4: the database itself refuses a wallet below zero, an account of the system may', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n))
  await assert.rejects(
    pool.query(`UPDATE accounts SET available_minor = -1 WHERE kind = 'wallet'`),
    /accounts_available_not_negative/,
  )
  await assert.rejects(
    pool.query('UPDATE accounts SET held_minor = -1'),
    /accounts_held_not_negative/,
  )
  const { rows } = await pool.query(
    `SELECT available_minor FROM accounts WHERE kind = 'deposits_clearing'`,
  )
  assert.deepEqual(rows, [{ available_minor: '-100' }])
})

test('damage that a superuser does to the books is found', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n), move('hold', wallet, 30n))
  assert.deepEqual(await findViolations(pool), [])
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const damages: [damage: string, found: RegExp][] = [
    ['UPDATE entries SET amount_minor = amount_minor + 1 WHERE amount_minor > 0', /sums to/],
    ['DELETE FROM entries WHERE line = 1', /has 1 entries/],
    [`UPDATE accounts SET available_minor = 1 WHERE kind = 'wallet'`, /its entries say/],
    ['UPDATE holds SET remaining_minor = remaining_minor - 1', /its holds say/],
    [`UPDATE accounts SET version = version + 1 WHERE kind = 'wallet'`, /versions in entries/],
    ['UPDATE entries SET balance_after_minor = 7 WHERE account_version = 2', /until then say/],
  ]
  for (const [damage, found] of damages) {
    await admin.query('BEGIN')
    await admin.query(damage)
    const violations = await findViolations(admin as never)
    await admin.query('ROLLBACK')
    assert.match(violations.join('\n'), found, `${damage} was not found`)
  }
  await admin.end()
})
