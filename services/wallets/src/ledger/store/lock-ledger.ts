import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Account, AccountKind, AccountStatus } from '../domain/account.ts'
import { type Hold, holdKeyOf, type HoldStatus } from '../domain/hold.ts'
import type { LedgerState } from '../domain/ledger-state.ts'

/** What a batch names. */
export interface LedgerNames {
  accountIds: ReadonlySet<string>
  /** By `holdKeyOf`. */
  holdKeys: ReadonlySet<string>
}

type Row = [
  what: 'hold' | 'account' | 'now',
  id: string | null,
  accountId: string | null,
  paymentId: string | null,
  tenantId: string | null,
  currency: string | null,
  kind: string | null,
  status: string | null,
  firstMinor: string | null,
  secondMinor: string | null,
  version: bigint | null,
  moment: Date | null,
  overdraftLimitMinor: bigint | null,
  revision: bigint | null,
  /** Of a hold its client, of an account its PSP. */
  owner: string | null,
]

// Locks in one order everywhere: holds, then accounts, each sorted by id (rule 6). The parts of a
// UNION ALL run one after the other, so the clock is read when every lock is held: bookings of an
// account are in the order of its versions, and only the database's clock counts (rule 13).
const LOCK = `
  WITH locked_holds AS MATERIALIZED (
    SELECT hold_id, account_id, payment_id, tenant_id, currency, status, amount_minor,
      remaining_minor, expires_at, client_id
    FROM holds
    WHERE hold_key = ANY($1::uuid[])
    ORDER BY hold_key
    FOR UPDATE
  ), locked_accounts AS MATERIALIZED (
    SELECT account_id, tenant_id, currency, kind, status, available_minor, held_minor, version,
      overdraft_limit_minor, revision, psp
    FROM accounts
    WHERE account_id = ANY($2::uuid[])
    ORDER BY account_id
    FOR UPDATE
  )
  SELECT 'hold', hold_id, account_id, payment_id, tenant_id, currency, NULL, status,
    amount_minor::numeric, remaining_minor::numeric, NULL::bigint, expires_at, NULL::bigint,
    NULL::bigint, client_id
  FROM locked_holds
  UNION ALL
  SELECT 'account', account_id, NULL, NULL, tenant_id, currency, kind, status, available_minor,
    held_minor, version, NULL, overdraft_limit_minor, revision, psp
  FROM locked_accounts
  UNION ALL
  SELECT 'now', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    date_trunc('milliseconds', clock_timestamp()), NULL, NULL, NULL`

/**
 * Locks the named holds and accounts until the transaction ends, puts those that exist into the
 * state, and returns the database's time: one statement.
 */
export async function lockLedger(tx: Tx, state: LedgerState, names: LedgerNames): Promise<Date> {
  const { rows } = await tx.query<Row>({
    name: 'lock-ledger',
    text: LOCK,
    values: [
      uuidArray([...names.holdKeys], (key) => key),
      uuidArray([...names.accountIds], (id) => id),
    ],
    rowMode: 'array',
  })
  let now: Date | undefined
  for (const row of rows) {
    if (row[0] === 'account') state.accounts.set(row[1]!, accountOf(row))
    else if (row[0] === 'now') now = row[11]!
    else {
      const hold = holdOf(row)
      state.holds.set(holdKeyOf(hold), hold)
    }
  }
  return now!
}

function accountOf(row: Row): Account {
  return {
    accountId: row[1]!,
    tenantId: row[4]!,
    currency: row[5]!,
    kind: row[6] as AccountKind,
    psp: row[14],
    status: row[7] as AccountStatus,
    availableMinor: BigInt(row[8]!),
    heldMinor: BigInt(row[9]!),
    version: Number(row[10]),
    overdraftLimitMinor: row[12],
    revision: Number(row[13]),
  }
}

function holdOf(row: Row): Hold {
  return {
    holdId: row[1]!,
    accountId: row[2]!,
    paymentId: row[3],
    clientId: row[14],
    tenantId: row[4]!,
    currency: row[5]!,
    status: row[7] as HoldStatus,
    amountMinor: BigInt(row[8]!),
    remainingMinor: BigInt(row[9]!),
    // Not needed to decide: a refused hold is never opened again.
    refusedFor: null,
    expiresAtMs: row[11]?.getTime() ?? null,
  }
}
