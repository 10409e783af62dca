import type { Db } from '@caudal/postgres/types.ts'
import { type AccountKind, type AccountStatus, settlementPsp } from '../../ledger/domain/account.ts'
import type { AccountDetails } from '../history.ts'

interface Row {
  account_id: string
  tenant_id: string
  kind: AccountKind
  status: AccountStatus
  currency: string
  wallet_id: string | null
  user_id: string | null
  slot: number | null
  psp: string | null
  available_minor: string
  held_minor: string
  overdraft_limit_minor: bigint | null
  version: bigint
  opened_at: Date
  read_at: Date
}

/** Less than every id of an account. */
const LEAST_ID = '00000000-0000-0000-0000-000000000000'

const COLUMNS = `account_id, tenant_id, kind, status, currency, wallet_id, user_id,
  stripe AS slot, psp, available_minor, held_minor, overdraft_limit_minor, version, opened_at,
  date_trunc('milliseconds', clock_timestamp()) AS read_at`

/** An account of the tenant, of a wallet or one slot of the system's. */
export async function findAccount(
  db: Db,
  { tenantId, accountId }: { tenantId: string; accountId: string },
): Promise<AccountDetails | undefined> {
  const { rows } = await db.query<Row>({
    name: 'find-account',
    text: `SELECT ${COLUMNS} FROM accounts WHERE account_id = $1 AND tenant_id = $2`,
    values: [accountId, tenantId],
  })
  return rows.map(detailsOf)[0]
}

/** The accounts of a wallet in the order of their currencies, from behind `after`. */
export async function listAccounts(
  db: Db,
  query: { tenantId: string; walletId: string; after: string | null; limit: number },
): Promise<AccountDetails[]> {
  const { rows } = await db.query<Row>({
    name: 'list-accounts',
    text: `SELECT ${COLUMNS} FROM accounts
           WHERE wallet_id = $1 AND tenant_id = $2 AND currency > $3
           ORDER BY currency LIMIT $4`,
    values: [query.walletId, query.tenantId, query.after ?? '', query.limit],
  })
  return rows.map(detailsOf)
}

/** The accounts of all wallets of the tenant, by id, from behind `after`. */
export async function listTenantAccounts(
  db: Db,
  query: { tenantId: string; after: string | null; limit: number },
): Promise<AccountDetails[]> {
  const { rows } = await db.query<Row>({
    name: 'list-tenant-accounts',
    text: `SELECT ${COLUMNS} FROM accounts
           WHERE tenant_id = $1 AND kind = 'wallet' AND account_id > $2::uuid
           ORDER BY account_id LIMIT $3`,
    values: [query.tenantId, query.after ?? LEAST_ID, query.limit],
  })
  return rows.map(detailsOf)
}

function detailsOf(row: Row): AccountDetails {
  return {
    accountId: row.account_id,
    tenantId: row.tenant_id,
    kind: row.kind,
    status: row.status,
    currency: row.currency,
    walletId: row.wallet_id,
    userId: row.user_id,
    slot: row.slot,
    psp: settlementPsp(row.kind, row.psp),
    availableMinor: BigInt(row.available_minor),
    heldMinor: BigInt(row.held_minor),
    overdraftLimitMinor: row.overdraft_limit_minor,
    version: Number(row.version),
    openedAt: row.opened_at,
    readAt: row.read_at,
  }
}
