import type { Db } from '@caudal/postgres/types.ts'
import type { Notification } from '../domain/notification.ts'

type Row = {
  payment_id: string
  tenant_id: string
  user_id: string
  amount: string
  currency: string
  service_name: string
  outcome: 'COMPLETED' | 'FAILED'
  traceparent: string | null
  attempts: number
}

// Rows whose time has come: a retry, or one whose holder died. Instances share them.
const CLAIM = `
  WITH due AS (
    SELECT payment_id FROM notifications
    WHERE due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
  )
  UPDATE notifications n
  SET attempts = attempts + 1, due_at = statement_timestamp() + $2 * interval '1 ms'
  FROM due WHERE n.payment_id = due.payment_id
  RETURNING n.payment_id, n.tenant_id, n.user_id, n.amount, n.currency, n.service_name, n.outcome,
    n.traceparent, n.attempts`

/** Takes due notifications for this instance, for as long as the lease. */
export async function claimDue(db: Db, limit: number, leaseMs: number): Promise<Notification[]> {
  const { rows } = await db.query<Row>({
    name: 'claim-due',
    text: CLAIM,
    values: [limit, leaseMs],
  })
  return rows.map((row) => ({
    paymentId: row.payment_id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    amount: row.amount,
    currency: row.currency,
    serviceName: row.service_name,
    outcome: row.outcome,
    traceparent: row.traceparent,
    attempts: row.attempts,
  }))
}
