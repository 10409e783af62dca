import type { Db } from '@caudal/postgres/types.ts'
import type { HoldStatus } from '../../ledger/domain/hold.ts'
import type { HoldDetails, HoldPosition } from '../history.ts'

interface Row {
  hold_key: string
  hold_id: string
  payment_id: string | null
  account_id: string
  currency: string
  amount_minor: bigint
  remaining_minor: bigint
  status: HoldStatus
  refused_for: string | null
  created_at: Date
  changed_at: Date
  expires_at: Date | null
}

const COLUMNS = `hold_key, hold_id, payment_id, account_id, currency, amount_minor, remaining_minor,
  status, refused_for, created_at, changed_at, expires_at`

/** Whose holds: those of an account, or the one of a payment. */
export type HoldsOf = { accountId: string } | { paymentId: string }

/** The holds of an account of the tenant, newest first, or the hold of a payment. */
export async function listHolds(
  db: Db,
  query: { tenantId: string; of: HoldsOf; after: HoldPosition | null; limit: number },
): Promise<HoldDetails[]> {
  const { tenantId, of, after, limit } = query
  if ('paymentId' in of) {
    // A payment has one hold, so nothing is behind it.
    if (after !== null) return []
    const { rows } = await db.query<Row>({
      name: 'find-hold-of-payment',
      text: `SELECT ${COLUMNS} FROM holds WHERE hold_key = $1 AND payment_id = $1
             AND tenant_id = $2`,
      values: [of.paymentId, tenantId],
    })
    return rows.map(detailsOf)
  }
  const { rows } = await db.query<Row>({
    name: after === null ? 'list-holds' : 'list-holds-after',
    text: `SELECT ${COLUMNS} FROM holds WHERE account_id = $1 AND tenant_id = $2
             ${after === null ? '' : 'AND (created_at, hold_key) < ($4::timestamptz, $5::uuid)'}
           ORDER BY created_at DESC, hold_key DESC LIMIT $3`,
    values: [
      of.accountId,
      tenantId,
      limit,
      ...(after === null ? [] : [after.createdAt, after.holdKey]),
    ],
  })
  return rows.map(detailsOf)
}

function detailsOf(row: Row): HoldDetails {
  return {
    holdKey: row.hold_key,
    holdId: row.hold_id,
    paymentId: row.payment_id,
    accountId: row.account_id,
    currency: row.currency,
    amountMinor: row.amount_minor,
    remainingMinor: row.remaining_minor,
    status: row.status,
    refusedFor: row.refused_for,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    expiresAt: row.expires_at,
  }
}
