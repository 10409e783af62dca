import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { Notification, NotifiedOutcome, SettledStatus } from '../domain/notification.ts'

type Row = {
  payment_id: string
  of_payment_id: string | null
  object_id: string | null
  tenant_id: string
  user_id: string
  amount: string
  currency: string
  service_name: string
  outcome: NotifiedOutcome
  traceparent: string | null
  finalized_at: Date
  taken_at: Date
  attempts: number
  failures: number
  device_ids: string[] | null
  statuses: SettledStatus[] | null
}

// Due rows: a retry, one that had to wait, or one whose holder died. Tenants take turns: the first
// due row of each, then the second of each. A skip scan of the index finds the tenants. Instances
// share the rows, so each reads twice as many as it claims. If more than that are locked, the rest
// comes from behind the rows that were read. Earlier answers of the devices are loaded by the same
// statement, so that there is no query per notification.
const CLAIM = `
  WITH RECURSIVE tenants AS (
    (SELECT tenant_id FROM notifications WHERE due_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT n.tenant_id FROM notifications n
      WHERE n.due_at IS NOT NULL AND n.tenant_id > t.tenant_id ORDER BY n.tenant_id LIMIT 1)
    FROM tenants t WHERE t.tenant_id IS NOT NULL
  ), turns AS (
    SELECT d.payment_id, d.due_at, t.tenant_id,
      row_number() OVER (PARTITION BY t.tenant_id ORDER BY d.due_at) AS turn
    FROM tenants t CROSS JOIN LATERAL (
      SELECT payment_id, due_at FROM notifications
      WHERE tenant_id = t.tenant_id AND due_at <= statement_timestamp()
      ORDER BY due_at
      LIMIT 2 * $1::int
    ) d
  ), first AS (
    SELECT n.payment_id FROM notifications n JOIN turns USING (payment_id)
    WHERE n.due_at <= statement_timestamp()
    ORDER BY turns.turn, turns.due_at
    LIMIT $1
    FOR UPDATE OF n SKIP LOCKED
  ), rest AS (
    SELECT d.payment_id FROM turns t CROSS JOIN LATERAL (
      SELECT payment_id FROM notifications
      WHERE tenant_id = t.tenant_id AND due_at <= statement_timestamp()
        AND payment_id <> ALL (ARRAY(SELECT payment_id FROM first))
      ORDER BY due_at
      LIMIT $1 - (SELECT count(*) FROM first)
      FOR UPDATE SKIP LOCKED
    ) d
    WHERE t.turn = 2 * $1::int
    LIMIT $1 - (SELECT count(*) FROM first)
  ), due AS (
    SELECT payment_id FROM first UNION ALL SELECT payment_id FROM rest
  ), taken AS (
    UPDATE notifications n
    SET attempts = attempts + 1, due_at = statement_timestamp() + $2 * interval '1 ms'
    FROM due WHERE n.payment_id = due.payment_id
    RETURNING n.*
  )
  SELECT t.payment_id, t.tenant_id, t.user_id, t.amount, t.currency, t.service_name, t.outcome,
    t.of_payment_id, t.object_id, t.traceparent, t.finalized_at, t.attempts, t.failures,
    statement_timestamp() AS taken_at,
    s.device_ids, s.statuses
  FROM taken t LEFT JOIN LATERAL (
    SELECT array_agg(d.device_id::text) AS device_ids, array_agg(d.status) AS statuses
    FROM deliveries d
    WHERE d.payment_id = t.payment_id AND d.status <> 'RETRYING'
  ) s ON true`

/** Claims due notifications for this instance, for the time of the lease. */
export async function claimDueNotifications(
  db: Db | Tx,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<Notification[]> {
  crashPoint('before', 'due-notifications')
  const { rows } = await db.query<Row>({
    name: 'claim-due-notifications',
    text: CLAIM,
    values: [limit, leaseMs],
  })
  crashPoint('after', 'due-notifications')
  return rows.map((row) => ({
    key: row.payment_id,
    paymentId: row.of_payment_id ?? row.payment_id,
    objectId: row.object_id,
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
