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
  'UPDATE account_changes SET reason = NULL',
  'DELETE FROM account_changes',
  'TRUNCATE account_changes',
  'UPDATE holds SET expires_at = NULL',
  'DROP TABLE entries',
  'ALTER TABLE entries ADD COLUMN note text',
  'ALTER TABLE entries DISABLE TRIGGER ALL',
  'ALTER TABLE entries OWNER TO caudal_app',
  'ALTER TABLE accounts DROP CONSTRAINT accounts_available_not_negative',
  'CREATE TABLE entries_of_my_own (LIKE entries)',
  'CREATE SCHEMA mine',
  'CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql RETURN 1',
  'CREATE RULE mine AS ON INSERT TO entries DO INSTEAD NOTHING',
  `CREATE TRIGGER mine BEFORE UPDATE ON entries FOR EACH ROW
     EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
  'SET ROLE caudal_owner',
  "SET session_replication_role = 'replica'",
  "SELECT detach_ledger_partition('2020-01-01')",
  'INSERT INTO carried_balances SELECT gen_random_uuid(), 1, 1, 0',
  'UPDATE carried_balances SET held_minor = 0',
  'DELETE FROM detached_months',
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
    `SELECT FROM ${name}`,
    `DROP TABLE ${name}`,
    `ALTER TABLE ${name} DISABLE TRIGGER ALL`,
    `ALTER TABLE ${name.replace(/_\d.*/, '')} DETACH PARTITION ${name}`,
    `ALTER TABLE ${name} OWNER TO caudal_app`,
  ])
  // This one only warns that it grants nothing, which the others prove.
  await pool.query('GRANT ALL ON entries, transfers TO caudal_app')
  for (const statement of [...FORBIDDEN, ...around]) {
    const denied = /permission denied|must be (?:owner|able to SET ROLE)/
    await assert.rejects(pool.query(statement), denied, `${statement} was not refused`)
  }
})

/** By whom the role may act, and what it may do besides: nothing of either. */
test('F1, F14: the runtime role owns nothing, is in no other role and has no attribute', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const { rows: owned } = await pool.query(
    `SELECT relname FROM pg_class WHERE relowner = 'caudal_app'::regrole
     UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'caudal_app'::regrole
     UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = 'caudal_app'::regrole`,
  )
  assert.deepEqual(owned, [])
  const { rows: memberships } = await pool.query(
    `SELECT roleid::regrole FROM pg_auth_members WHERE member = 'caudal_app'::regrole`,
  )
  assert.deepEqual(memberships, [])
  const { rows: attributes } = await pool.query(
    `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
     FROM pg_roles WHERE rolname = 'caudal_app'`,
  )
  assert.deepEqual(
    Object.values(attributes[0] as object),
    Array.from({ length: 5 }, () => false),
  )
})

test('F1: functions with the rights of the owner do not change bookings', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n), move('hold', wallet, 30n))
  const { rows: definers } = await pool.query<{ call: string }>(
    `SELECT oid::regprocedure::text AS call FROM pg_proc
     WHERE prosecdef AND pronamespace = 'public'::regnamespace
       AND has_function_privilege('caudal_app', oid, 'EXECUTE') ORDER BY 1`,
  )
  const known = ['create_ledger_partitions', 'drop_old_idempotency_keys', 'rotate_outbox']
  assert.deepEqual(
    definers.map(({ call }) => call.replace(/\(.*/, '')),
    known,
  )
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  t.after(() => admin.end())
  // Nothing that the caller can put into the search path is run with those rights.
  const { rows: open } = await admin.query(
    `SELECT FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
       AND NOT 'search_path=public, pg_temp' = ANY (coalesce(proconfig, '{}'))`,
  )
  assert.equal(open.length, 0)
  const books = async (): Promise<unknown> => {
    const { rows } = await pool.query(
      `SELECT (SELECT jsonb_agg(e ORDER BY transfer_id, line) FROM entries e) AS entries,
         (SELECT jsonb_agg(t ORDER BY transfer_id) FROM transfers t) AS transfers,
         (SELECT jsonb_agg(k) FROM idempotency_keys k) AS keys,
         (SELECT jsonb_agg(r) FROM command_references r) AS refs`,
    )
    return rows
  }
  const before = await books()
  for (const months of [-1_000, 0, 3, 1_000]) {
    await pool.query('SELECT create_ledger_partitions($1)', [months])
  }
  for (const days of [-1, 0, 30]) {
    await pool.query('SELECT drop_old_idempotency_keys($1, 1000000)', [days])
  }
  await pool.query('SELECT rotate_outbox()')
  assert.deepEqual(await books(), before)
})

test('P4: the database refuses a wallet below zero, but not a system account', async (t) => {
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

test('damage by a superuser is found', async (t) => {
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
    [`UPDATE accounts SET available_minor = 1 WHERE kind = 'wallet'`, /its entries sum to/],
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
