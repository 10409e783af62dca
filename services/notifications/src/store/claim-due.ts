import type { Db } from '@caudal/postgres/types.ts'
import type { Notification, SettledStatus } from '../domain/notification.ts'

type Row = {
  payment_id: string
  tenant_id: string
  user_id: string
  amount: string
  currency: string
  service_name: string
  outcome: 'COMPLETED' | 'FAILED'
  traceparent: string | null
  finalized_at: Date
  taken_at: Date
  attempts: number
  failures: number
  device_ids: string[] | null
  statuses: SettledStatus[] | null
}

// Rows whose time has come: a retry, one that had to wait, or one whose holder died. Instances
// share them. What their devices answered before comes along: no query per notification.
const CLAIM = `
  WITH due AS (
    SELECT payment_id FROM notifications
    WHERE due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE notifications n
    SET attempts = attempts + 1, due_at = statement_timestamp() + $2 * interval '1 ms'
    FROM due WHERE n.payment_id = due.payment_id
    RETURNING n.*
  )
  SELECT t.payment_id, t.tenant_id, t.user_id, t.amount, t.currency, t.service_name, t.outcome,
    t.traceparent, t.finalized_at, t.attempts, t.failures, statement_timestamp() AS taken_at,
    s.device_ids, s.statuses
  FROM taken t LEFT JOIN LATERAL (
    SELECT array_agg(d.device_id::text) AS device_ids, array_agg(d.status) AS statuses
    FROM deliveries d
    WHERE d.payment_id = t.payment_id AND d.status <> 'RETRYING'
  ) s ON true`

/** Takes due notifications for this instance, for as long as the lease. */
export async function claimDue(
  db: Db,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<Notification[]> {
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
    finalizedAtMs: row.finalized_at.getTime(),
    takenAtMs: row.taken_at.getTime(),
    attempt: row.attempts,
    failures: row.failures,
    settled: new Map(row.device_ids?.map((deviceId, index) => [deviceId, row.statuses![index]!])),
  }))
}
