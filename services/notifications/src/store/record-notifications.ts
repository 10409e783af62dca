import { textArray, timestamptzArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { isPaymentEnd, type NotifiedEvent } from '../domain/notification.ts'

/** The plan for a recorded notification. */
export type Plan =
  /** Sent at once: this instance has leased it. */
  | 'taken'
  /** Due now, for any instance with capacity. */
  | 'waiting'
  /** Never sent, because its event is too old. */
  | 'too_old'

/** What a user is notified of, and the plan for the notification. */
export type NewNotification = NotifiedEvent & { plan: Plan }

/** Records new notifications and returns their keys. */
export async function recordNotifications(
  tx: Tx,
  notifications: readonly NewNotification[],
  leaseMs: number,
): Promise<Set<string>> {
  // Recorded once per key, also for repeated events. This instance has those it takes until
  // due_at. If it dies before, another instance claims them then.
  const statement = sql`
    INSERT INTO notifications (payment_id, tenant_id, user_id, amount, currency, service_name,
      outcome, traceparent, finalized_at, of_payment_id, object_id, status, attempts, due_at,
      ended_at)
    SELECT payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at, of_payment_id, object_id,
      CASE plan WHEN 'too_old' THEN 'TOO_OLD' ELSE 'PENDING' END,
      CASE plan WHEN 'taken' THEN 1 ELSE 0 END,
      CASE plan
        WHEN 'taken' THEN statement_timestamp() + ${leaseMs} * interval '1 ms'
        WHEN 'waiting' THEN statement_timestamp()
      END,
      CASE plan WHEN 'too_old' THEN statement_timestamp() END
    FROM unnest(
      ${uuidArray(notifications, (it) => it.key)}::uuid[],
      ${textArray(notifications, (it) => it.tenantId)}::text[],
      ${uuidArray(notifications, (it) => it.userId)}::uuid[],
      ${textArray(notifications, (it) => it.amount)}::text[],
      ${textArray(notifications, (it) => it.currency)}::text[],
      ${textArray(notifications, (it) => it.serviceName)}::text[],
      ${textArray(notifications, (it) => it.outcome)}::text[],
      ${textArray(notifications, (it) => it.traceparent)}::text[],
      ${timestamptzArray(notifications, (it) => new Date(it.finalizedAtMs))}::timestamptz[],
      ${uuidArray(notifications, ofPayment)}::uuid[],
      ${uuidArray(notifications, (it) => it.objectId)}::uuid[],
      ${textArray(notifications, (it) => it.plan)}::text[]
    ) AS n(payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at, of_payment_id, object_id, plan)
    ORDER BY payment_id
    ON CONFLICT ON CONSTRAINT notifications_one_per_payment DO NOTHING
    RETURNING payment_id`
  const { rows } = await tx.query<{ payment_id: string }>(named('record-notifications', statement))
  return new Set(rows.map((row) => row.payment_id))
}

/** The end of a payment has the payment as its key. */
function ofPayment({ outcome, paymentId }: NotifiedEvent): string | null {
  return isPaymentEnd(outcome) ? null : paymentId
}
