import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client } from 'pg'
import { listEntries } from '../src/accounts/store/list-entries.ts'
import type {
  Detached,
  Statement,
  StatementPosition,
  StatementRange,
} from '../src/history/history.ts'
import { readBalances, readStatement } from '../src/history/read-history.ts'
import { findAccount, listAccounts, listTenantAccounts } from '../src/history/store/find-account.ts'
import { findTransfer } from '../src/history/store/find-transfer.ts'
import { listHolds } from '../src/history/store/list-holds.ts'
import { listSystemAccounts } from '../src/history/store/list-system-accounts.ts'
import { listTransfersByReference } from '../src/history/store/list-transfers-by-reference.ts'
import { move } from './client-commands.ts'
import { labourOf } from './labour-of.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { connectAs, monthAgo } from './old-months.ts'
import { type Asked, spyOn } from './spy-on.ts'
import { newWallet } from './test-wallet.ts'

const TRANSFERS = 40_000
const OTHERS = 500
/** Far less than the tables have; the entries that cross the end of a day are some 700. */
const BLOCKS_AT_MOST = 800

/**
 * Fills the last month: half of the transfers are of one account, the others of many; those have
 * the value date of the day before, and so has each hundredth of the one.
 */
async function fill(admin: Client, accountId: string, systemId: string): Promise<void> {
  const at = `('${monthAgo(1)}T00:00:00Z'::timestamptz + n * interval '1 minute')`
  const other = `md5('other' || n % ${OTHERS})::uuid`
  await admin.query(`
    CREATE TEMP TABLE made AS
    SELECT n,
      CASE WHEN n % 2 = 1 OR n % 200 = 0 THEN (${at} AT TIME ZONE 'UTC')::date - 1 END AS day,
      ('01a20000-0000-7000-8000-' || lpad(to_hex(n), 9, '0') || '000')::uuid AS id,
      ${at} AS at, CASE WHEN n % 2 = 0 THEN '${accountId}'::uuid ELSE ${other} END AS account,
      CASE WHEN n % 2 = 0 THEN n / 2 ELSE n / ${2 * OTHERS} + 1 END AS version
    FROM generate_series(2, ${TRANSFERS}) n;
    INSERT INTO transfers (booked_at, amount_minor, transfer_id, account_id, value_date, kind,
      tenant_id, currency, client_id, idempotency_key, fingerprint, reference_id, reason)
    SELECT at, 1, id, account, coalesce(day, (at AT TIME ZONE 'UTC')::date), 'credit', 'caudal',
      'USD', 'tester', 'k' || n, '', 'r' || n, 'test' FROM made;
    INSERT INTO entries (booked_at, amount_minor, account_version, account_id, transfer_id,
      balance, line, tenant_id, balance_after_minor, value_date)
    SELECT at, 1, version, account, id,
      CASE WHEN n % 100 = 0 THEN 'held' ELSE 'available' END::balance_name, 0,
      'caudal', version, day FROM made
    UNION ALL SELECT at, -1, n, '${systemId}', id, 'available', 1, 'caudal', -n, day FROM made
    ORDER BY 1, 7;
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT id, 'caudal', 'credit', 'r' || n FROM made;
    INSERT INTO holds (hold_id, account_id, amount_minor, remaining_minor, created_at, changed_at,
      tenant_id, currency, status)
    SELECT id, account, 1, 0, at, at, 'caudal', 'USD', 'committed' FROM made;
    INSERT INTO accounts (account_id, tenant_id, currency, kind, wallet_id, user_id)
    SELECT md5('of' || n)::uuid, CASE WHEN n % 9 = 0 THEN 'caudal' ELSE 'acme' END, 'USD',
      'wallet', md5('w' || n)::uuid, md5('u' || n)::uuid FROM generate_series(1, 20000) n;
    UPDATE accounts SET version = ${TRANSFERS} / 2, available_minor = ${TRANSFERS} / 2
      WHERE account_id = '${accountId}';
    UPDATE accounts SET version = ${TRANSFERS}, available_minor = -${TRANSFERS}
      WHERE account_id = '${systemId}'`)
  await admin.query('VACUUM ANALYZE entries, transfers, accounts, holds, command_references')
}

test('F1: every read of the history uses an index, in tables of any size', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const admin = await connectAs(t, adminUrl)
  const wallet = newWallet()
  const { tenantId, accountId, walletId } = wallet
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 1n))
  const system = await pool.query<{ account_id: string }>(
    `SELECT account_id FROM accounts WHERE kind = 'deposits_clearing'`,
  )
  const systemId = system.rows[0]!.account_id
  await admin.query('DELETE FROM entries; DELETE FROM transfers')
  await fill(admin, accountId, systemId)

  const asked: Asked[] = []
  const db = spyOn(pool, (statement) => void asked.push(statement))
  const account = (await findAccount(db, { tenantId, accountId }))!
  const slot = (await findAccount(db, { tenantId, accountId: systemId }))!
  const day = `${monthAgo(1).slice(0, 'YYYY-MM'.length)}-15`
  const before = new Date(`${day}T12:00:00Z`)
  for (const one of [account, slot]) {
    const found = await readBalances(db, one, { by: 'booking', before })
    assert.ok(found.type === 'balances' && found.version > 1_000)
    await readBalances(db, one, { by: 'value', day })
  }
  const ranges: StatementRange[] = [
    { by: 'booking', from: before, to: null },
    { by: 'value', from: day, to: day },
    { by: 'value', from: day, to: null },
  ]
  for (const one of [account, slot]) {
    for (const range of ranges) {
      let after: StatementPosition | null = null
      for (let pages = 1; pages <= 3; pages += 1) {
        const page: Statement | Detached = await readStatement(db, one, { range, after, limit: 20 })
        assert.ok(page.type === 'statement' && page.lines.length === 20)
        after = page.next
        await findTransfer(db, { tenantId, transferId: page.lines[0]!.transferId })
      }
    }
  }
  await listEntries(db, { accountId, after: { version: 9_000, line: 0 }, limit: 20 })
  await listAccounts(db, { tenantId, walletId, after: null, limit: 20 })
  await listSystemAccounts(db, { tenantId, after: null, limit: 20 })
  await listTenantAccounts(db, { tenantId, after: null, limit: 20 })
  const holds = { tenantId, of: { accountId }, limit: 20 }
  const [, last] = await listHolds(db, { ...holds, after: null })
  assert.ok(last)
  await listHolds(db, { ...holds, after: last })
  await listHolds(db, { ...holds, of: { paymentId: last.holdKey }, after: null })
  const named = { tenantId, referenceId: 'r400', kinds: ['credit'], after: null, limit: 20 }
  assert.equal((await listTransfersByReference(db, named)).length, 1)

  const worst = new Map<string, number>()
  const laborious: string[] = []
  for (const { name, text, values } of asked) {
    if (name === 'find-kept-history') continue
    const { rows } = await pool.query<{ 'QUERY PLAN': unknown }>({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
      values,
    })
    const { scans, sorts, blocks } = labourOf(rows[0]!['QUERY PLAN'])
    worst.set(name, Math.max(blocks, worst.get(name) ?? 0))
    if (scans.length + sorts.length > 0 || blocks >= BLOCKS_AT_MOST) {
      laborious.push(`${name}: ${blocks} blocks, scans ${scans.join()}, sorts ${sorts.join()}`)
    }
  }
  for (const [name, blocks] of worst) t.diagnostic(`${name}: at most ${blocks} blocks`)
  assert.ok(worst.size >= 16, [...worst.keys()].join(' '))
  assert.deepEqual(laborious, [])
})
