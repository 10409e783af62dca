import type { Tx } from '@caudal/postgres/types.ts'
import type { Notification } from '../domain/notification.ts'

/** A notification as its event brings it; `worthTelling` decides whether it is ever sent. */
export type NewNotification = Omit<Notification, 'attempts'> & {
  finalizedAt: string
  worthTelling: boolean
}

// Recorded once per payment, whatever comes twice. The new ones are this instance's until due_at;
// if it dies before it is done with them, another takes them then.
const RECORD = `
  INSERT INTO notifications (payment_id, tenant_id, user_id, amount, currency, service_name,
    outcome, traceparent, finalized_at, status, attempts, due_at, ended_at)
  SELECT payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
    finalized_at, CASE WHEN telling THEN 'PENDING' ELSE 'TOO_OLD' END,
    CASE WHEN telling THEN 1 ELSE 0 END,
    CASE WHEN telling THEN statement_timestamp() + $11 * interval '1 ms' END,
    CASE WHEN telling THEN NULL ELSE statement_timestamp() END
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::timestamptz[], $10::boolean[])
    AS n(payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at, telling)
  ORDER BY payment_id
  ON CONFLICT ON CONSTRAINT notifications_one_per_payment DO NOTHING
  RETURNING payment_id`

/** Records the notifications that are new and returns the payments whose notice goes out now. */
export async function recordNotifications(
  tx: Tx,
  notifications: readonly NewNotification[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await tx.query<{ payment_id: string }>({
    name: 'record-notifications',
    text: RECORD,
    values: [
      notifications.map((it) => it.paymentId),
      notifications.map((it) => it.tenantId),
      notifications.map((it) => it.userId),
      notifications.map((it) => it.amount),
      notifications.map((it) => it.currency),
      notifications.map((it) => it.serviceName),
      notifications.map((it) => it.outcome),
      notifications.map((it) => it.traceparent),
      notifications.map((it) => it.finalizedAt),
      notifications.map((it) => it.worthTelling),
      leaseMs,
    ],
  })
  return new Set(rows.map((row) => row.payment_id))
}
