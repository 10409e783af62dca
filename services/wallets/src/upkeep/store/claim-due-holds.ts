import type { Tx } from '@caudal/postgres/types.ts'

/** A hold whose time is over, as far as the queue knows. */
export interface DueHold {
  holdId: string
  accountId: string
  tenantId: string
  expiresAt: Date
}

const SWEEP_LOCK = 7_283_941

// One sweep at a time: the lock ends with the transaction, so it outlives no process.
const CLAIM = `
  WITH sweep AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock($1) AS is_mine
  )
  SELECT e.hold_id, e.expires_at, h.account_id, h.tenant_id
  FROM sweep
  CROSS JOIN LATERAL (
    SELECT hold_id, expires_at FROM hold_expiries
    WHERE expires_at <= statement_timestamp()
    ORDER BY expires_at, hold_id
    LIMIT $2
  ) e
  JOIN holds h ON h.hold_key = e.hold_id
  WHERE sweep.is_mine`

/** The next holds whose time is over; none while another process sweeps. */
export async function claimDueHolds(tx: Tx, limit: number): Promise<DueHold[]> {
  const { rows } = await tx.query<{
    hold_id: string
    expires_at: Date
    account_id: string
    tenant_id: string
  }>({ name: 'claim-due-holds', text: CLAIM, values: [SWEEP_LOCK, limit] })
  return rows.map((row) => ({
    holdId: row.hold_id,
    accountId: row.account_id,
    tenantId: row.tenant_id,
    expiresAt: row.expires_at,
  }))
}
