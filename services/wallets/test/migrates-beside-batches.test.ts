import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { migrate, type MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import { walletMigrations } from '../src/migrations.ts'

/** The first file of each set that is missing in a database from which one upgrades. */
const STATES: Record<string, Record<string, string>> = {
  'release 0.1.0': { consumer: '0002', wallets: '0022' },
  'migration 0023': { consumer: '0002', wallets: '0024' },
}

/** What a batch of release 0.1.0 locks and writes, in its order. */
const BATCH = [
  `UPDATE consumer_offsets SET next_offset = next_offset + 1`,
  `SELECT FROM accounts ORDER BY account_id FOR UPDATE`,
  `INSERT INTO account_changes (booked_at, revision, overdraft_limit_minor, change_id, account_id,
     kind, status, tenant_id, client_id, idempotency_key, fingerprint, reference_id, reason)
   VALUES (now(), 1, 0, gen_random_uuid(), gen_random_uuid(), 'freeze', 'frozen', 't', 'c', 'k',
     '', 'r', '')`,
  `INSERT INTO transfers (booked_at, amount_minor, transfer_id, account_id, value_date, kind,
     tenant_id, currency, idempotency_key, fingerprint, reference_id, reason)
   VALUES (now(), 1, gen_random_uuid(), gen_random_uuid(), current_date, 'credit', 't', 'USD', 'k',
     '', 'r', '')`,
  `INSERT INTO entries (booked_at, amount_minor, account_version, account_id, transfer_id, balance,
     line, tenant_id, balance_after_minor)
   VALUES (now(), 1, 1, gen_random_uuid(), gen_random_uuid(), 'available', 0, 't', 1)`,
]

/** The sets without the files from the given ones on. */
function setsBefore(scope: TestScope, missingFrom: Record<string, string>): MigrationSet[] {
  return walletMigrations.map(({ name, dir }) => {
    const before = mkdtempSync(join(tmpdir(), 'migrations-'))
    scope.after(() => rmSync(before, { recursive: true }))
    const end = missingFrom[name] ?? '9999'
    for (const file of readdirSync(dir).filter((one) => one < end)) {
      cpSync(join(dir, file), join(before, file))
    }
    return { name, dir: before }
  })
}

/** Resolves once a migration waits for the lock of a table. */
async function migrationWaits(db: Db): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.query(
      `SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    return rows.length > 0
  })
}

for (const [state, missingFrom] of Object.entries(STATES)) {
  test(`from ${state}: an upgrade ends beside batches, wherever one of them stands`, async (t) => {
    const sets = setsBefore(t, missingFrom)
    for (const at of BATCH.keys()) {
      const { pool, name: database } = await testDatabase(t, { sets, name: 'upgraded' })
      const tx = await pool.connect()
      await tx.query('BEGIN')
      // A client's batch begins with the accounts, a consumer's with its offsets.
      for (const statement of BATCH.slice(at === 0 ? 0 : 1, at + 1)) await tx.query(statement)
      const adminUrl = testServer().ownerUrl
      const migrating = migrate({
        adminUrl,
        database,
        sets: walletMigrations,
        roles: ['caudal_app'],
      })
      await migrationWaits(pool)
      for (const statement of BATCH.slice(at + 1)) await tx.query(statement)
      await tx.query('COMMIT')
      tx.release()
      await migrating
      const { rows } = await pool.query('SELECT actor_type, actor_id FROM account_changes')
      assert.deepEqual(rows, [{ actor_type: 'client', actor_id: 'c' }])
    }
  })
}
