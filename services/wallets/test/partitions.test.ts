import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import pg from 'pg'
import { keepPartitions } from '../src/upkeep/keep-partitions.ts'
import { move } from './client-commands.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { newWallet } from './test-wallet.ts'

const logger = createLogger({ service: 'wallets', level: 'silent' })

test('there are partitions for half a year, and the service creates more', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const partitions = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent IN ('entries'::regclass, 'transfers'::regclass) ORDER BY 1`,
    )
    return rows.map(({ name }) => name)
  }
  const before = await partitions()
  for (const name of [before[7], before.at(-1)]) await admin.query(`DROP TABLE ${name}`)
  const keeper = await keepPartitions({ db: pool, logger, metrics: createMetrics('wallets') })
  assert.deepEqual(await partitions(), before)
  assert.equal(keeper.check().status, 'ok')
  await keeper.stop()
  await admin.end()
})

test('a new partition is attached without blocking bookings', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('BEGIN')
  await admin.query('SELECT create_ledger_partitions(9)')
  // The partitions are being made in an open transaction; a booking does not wait for its end.
  await runCommands(pool, move('credit', wallet, 10n))
  await admin.query('COMMIT')
  await admin.end()
  const { rows } = await pool.query('SELECT FROM entries')
  assert.equal(rows.length, 2)
})

test('partitions of old months can be detached', async (t) => {
  const { adminUrl } = await ledgerDatabase(t)
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  const { rows } = await admin.query<{ name: string }>(
    `SELECT min(inhrelid::regclass::text) AS name FROM pg_inherits
     WHERE inhparent = 'entries'::regclass`,
  )
  await admin.query(`ALTER TABLE entries DETACH PARTITION ${rows[0]!.name} CONCURRENTLY`)
  await admin.end()
})

test('reading an account uses only its index, in every partition', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 10n))
  const { rows } = await pool.query<Record<'QUERY PLAN', string>>(
    `EXPLAIN (COSTS OFF) SELECT * FROM entries
     WHERE account_id = $1 AND account_version <= 100 AND (account_version, line) < (100, 0)
     ORDER BY account_version DESC, line DESC LIMIT 20`,
    [wallet.accountId],
  )
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  assert.doesNotMatch(plan, /Seq Scan/)
})
