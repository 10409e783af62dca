import { textArray, timestamptzArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Notification } from '../domain/notification.ts'

/** What becomes of a notification that is recorded. */
export type Plan =
  /** It goes out at once: this instance has it for the time of the lease. */
  | 'taken'
  /** It is due now, for whoever has room. */
  | 'waiting'
  /** Its payment ended too long ago: it is never sent. */
  | 'too_old'

export type NewNotification = Pick<
  Notification,
  | 'paymentId'
  | 'tenantId'
  | 'userId'
  | 'amount'
  | 'currency'
  | 'serviceName'
  | 'outcome'
  | 'traceparent'
  | 'finalizedAtMs'
> & { plan: Plan }

// Recorded once per payment, whatever comes twice. Those taken are this instance's until due_at; if
// it dies before it is done with them, another takes them then.
const RECORD = `
  INSERT INTO notifications (payment_id, tenant_id, user_id, amount, currency, service_name,
    outcome, traceparent, finalized_at, status, attempts, due_at, ended_at)
  SELECT payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
    finalized_at,
    CASE plan WHEN 'too_old' THEN 'TOO_OLD' ELSE 'PENDING' END,
    CASE plan WHEN 'taken' THEN 1 ELSE 0 END,
    CASE plan
      WHEN 'taken' THEN statement_timestamp() + $11 * interval '1 ms'
      WHEN 'waiting' THEN statement_timestamp()
    END,
    CASE plan WHEN 'too_old' THEN statement_timestamp() END
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::timestamptz[], $10::text[])
    AS n(payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at, plan)
  ORDER BY payment_id
  ON CONFLICT ON CONSTRAINT notifications_one_per_payment DO NOTHING
  RETURNING payment_id`

/** Records the notifications that are new and returns the payments that they are about. */
export async function recordNotifications(
  tx: Tx,
  notifications: readonly NewNotification[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await tx.query<{ payment_id: string }>({
    name: 'record-notifications',
    text: RECORD,
    values: [
      uuidArray(notifications, (it) => it.paymentId),
      textArray(notifications, (it) => it.tenantId),
      uuidArray(notifications, (it) => it.userId),
      textArray(notifications, (it) => it.amount),
      textArray(notifications, (it) => it.currency),
      textArray(notifications, (it) => it.serviceName),
      textArray(notifications, (it) => it.outcome),
      textArray(notifications, (it) => it.traceparent),
      timestamptzArray(notifications, (it) => new Date(it.finalizedAtMs)),
      textArray(notifications, (it) => it.plan),
      leaseMs,
    ],
  })
  return new Set(rows.map((row) => row.payment_id))
}
