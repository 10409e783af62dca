import { DEFAULT_TENANT } from '@caudal/contracts/tenant.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { SLOTS, systemAccount } from '@caudal/wallets/ledger/domain/account.ts'

const BALANCE_MINOR = 1_000_000_000
const CURRENCY = 'USD'

/**
 * Inserts wallets with one opening credit each, as the owner of the tables and in sets. The credits
 * come from a clearing account that nothing else uses. Returns the account ids.
 */
export async function fillLedger(owner: Db, accounts: number): Promise<string[]> {
  const { rows } = await owner.query<{ account_id: string }>(
    `INSERT INTO accounts (account_id, tenant_id, currency, kind, wallet_id, user_id)
     SELECT gen_random_uuid(), $1, $2, 'wallet', gen_random_uuid(), gen_random_uuid()
     FROM generate_series(1, $3::int)
     RETURNING account_id`,
    [DEFAULT_TENANT, CURRENCY, accounts],
  )
  const accountIds = rows.map((row) => row.account_id)
  await addHistory(owner, accountIds, { transfers: accounts, amountMinor: BALANCE_MINOR })
  return accountIds
}

/** The statements that insert a history; each runs on its own connection. */
const PARTS = [
  `INSERT INTO transfers (booked_at, amount_minor, transfer_id, account_id, value_date, kind,
     tenant_id, currency, client_id, idempotency_key, fingerprint, reference_id, reason)
   SELECT booked_at, amount_minor, transfer_id, account_id, booked_at::date, 'credit', tenant_id,
     currency, 'bench', key, sha256(key::bytea), key, 'fill'
   FROM bench_history ORDER BY n`,
  `INSERT INTO entries (booked_at, amount_minor, account_version, account_id, transfer_id, balance,
     line, tenant_id, balance_after_minor)
   SELECT booked_at, e.amount_minor, e.version, e.account_id, transfer_id, 'available', e.line,
     tenant_id, e.after
   FROM bench_history CROSS JOIN LATERAL (VALUES
     (0, clearing_id, -amount_minor, clearing_version, clearing_after),
     (1, account_id, amount_minor, version, available_after)
   ) AS e(line, account_id, amount_minor, version, after)
   ORDER BY n`,
  `INSERT INTO idempotency_keys (created_at, status, tenant_id, client_id, idempotency_key,
     fingerprint, body)
   SELECT booked_at, 200, tenant_id, 'bench', key, sha256(key::bytea),
     format('{"status":"committed","entry_id":"%s"}', transfer_id)
   FROM bench_history ORDER BY key COLLATE "C"`,
  `INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
   SELECT transfer_id, tenant_id, 'credit', key FROM bench_history ORDER BY key COLLATE "C"`,
]

/**
 * Inserts credits to the accounts in turn, with their transfers, entries, idempotency keys and
 * references. They are posted in the current month, a tenth of a millisecond apart.
 */
export async function addHistory(
  owner: Db,
  accountIds: readonly string[],
  { transfers, amountMinor }: { transfers: number; amountMinor: number },
): Promise<void> {
  const { accountId: clearingId } = systemAccount({
    tenantId: DEFAULT_TENANT,
    kind: 'deposits_clearing',
    currency: CURRENCY,
    // After the slots that the service uses, so that it never locks this row.
    slot: SLOTS,
  })
  await owner.query(
    `INSERT INTO accounts (account_id, tenant_id, currency, kind, stripe, overdraft_limit_minor)
     VALUES ($1, $2, $3, 'deposits_clearing', $4, NULL) ON CONFLICT DO NOTHING`,
    [clearingId, DEFAULT_TENANT, CURRENCY, SLOTS],
  )
  await owner.query('DROP TABLE IF EXISTS bench_history')
  await owner.query(
    `CREATE UNLOGGED TABLE bench_history AS
     SELECT n, uuidv7() AS transfer_id, w.account_id, w.tenant_id, w.currency,
       ${amountMinor}::bigint AS amount_minor, gen_random_uuid()::text AS key,
       date_trunc('milliseconds', now()) - (${transfers} - n) * interval '0.1 ms' AS booked_at,
       w.version + n / ${accountIds.length} + 1 AS version,
       w.available_minor + (n / ${accountIds.length} + 1) * ${amountMinor}::numeric
         AS available_after,
       c.account_id AS clearing_id, c.version + n + 1 AS clearing_version,
       c.available_minor - (n + 1) * ${amountMinor}::numeric AS clearing_after
     FROM generate_series(0, ${transfers - 1}) AS n
     JOIN (SELECT row_number() OVER (ORDER BY account_id) - 1 AS place, * FROM accounts
           WHERE kind = 'wallet') AS w
       ON w.place = n % ${accountIds.length}
     CROSS JOIN (SELECT * FROM accounts WHERE account_id = '${clearingId}') AS c`,
  )
  await Promise.all(PARTS.map((part) => owner.query(part)))
  await owner.query(
    `UPDATE accounts a SET available_minor = h.available, version = h.version
     FROM (SELECT account_id, max(available_after) AS available, max(version) AS version
           FROM bench_history GROUP BY account_id
           UNION ALL
           SELECT clearing_id, min(clearing_after), max(clearing_version)
           FROM bench_history GROUP BY clearing_id) h
     WHERE a.account_id = h.account_id`,
  )
  await owner.query('DROP TABLE bench_history')
  // Also vacuums, because autovacuum would otherwise start during the measurement.
  await owner.query('VACUUM (ANALYZE)')
}
