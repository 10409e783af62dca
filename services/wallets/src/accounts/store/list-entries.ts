import type { Db } from '@caudal/postgres/types.ts'
import type { Balance } from '../../ledger/domain/account.ts'
import type { EntryPosition } from '../../ledger/domain/transfer.ts'
import type { ListedEntry } from '../wallet.ts'

type Row = {
  transfer_id: string
  line: number
  account_version: bigint
  balance: Balance
  amount_minor: bigint
  balance_after_minor: string
  booked_at: Date
  kind: string
  payment_id: string | null
}

// The page is cut before the transfers are looked up. The bound on the version alone is what the
// index can use; the pair decides where within a transfer the page begins.
const LIST = `
  WITH page AS MATERIALIZED (
    SELECT transfer_id, line, account_version, balance, amount_minor, balance_after_minor,
      booked_at
    FROM entries
    WHERE account_id = $1 AND account_version <= $2::bigint
      AND (account_version, line) < ($2::bigint, $3::smallint)
    ORDER BY account_version DESC, line DESC
    LIMIT $4
  )
  SELECT page.*, t.kind, t.payment_id
  FROM page
  JOIN transfers t ON t.transfer_id = page.transfer_id AND t.booked_at = page.booked_at
  ORDER BY page.account_version DESC, page.line DESC`

const NEWEST: EntryPosition = { version: Number.MAX_SAFE_INTEGER, line: 0 }

/** Entries of an account, newest first, from behind a position: read by keyset, never by offset. */
export async function listEntries(
  db: Db,
  query: { accountId: string; after: EntryPosition | null; limit: number },
): Promise<ListedEntry[]> {
  const { version, line } = query.after ?? NEWEST
  const { rows } = await db.query<Row>({
    name: 'list-entries',
    text: LIST,
    values: [query.accountId, version, line, query.limit],
  })
  return rows.map((row) => ({
    transferId: row.transfer_id,
    line: row.line,
    version: Number(row.account_version),
    kind: row.kind,
    balance: row.balance,
    amountMinor: row.amount_minor,
    balanceAfterMinor: BigInt(row.balance_after_minor),
    paymentId: row.payment_id,
    bookedAt: row.booked_at,
  }))
}
