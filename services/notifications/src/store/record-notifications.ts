import { textArray, timestamptzArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { FinalizedPayment } from '../domain/notification.ts'

/** What becomes of a notification that is recorded. */
export type Plan =
  /** It goes out at once: this instance has it for the time of the lease. */
  | 'taken'
  /** It is due now, for whoever has room. */
  | 'waiting'
  /** Its payment ended too long ago: it is never sent. */
  | 'too_old'

/** A payment that ended, and whether its notification goes out now. */
export type NewNotification = FinalizedPayment & { plan: Plan }

/** Records the notifications that are new and returns the payments that they are about. */
export async function recordNotifications(
  tx: Tx,
  notifications: readonly NewNotification[],
  leaseMs: number,
): Promise<Set<string>> {
  // Recorded once per payment, whatever comes twice. Those taken are this instance's until due_at;
  // if it dies before it is done with them, another instance claims them then.
  const statement = sql`
    INSERT INTO notifications (payment_id, tenant_id, user_id, amount, currency, service_name,
      outcome, traceparent, finalized_at, status, attempts, due_at, ended_at)
    SELECT payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at,
      CASE plan WHEN 'too_old' THEN 'TOO_OLD' ELSE 'PENDING' END,
      CASE plan WHEN 'taken' THEN 1 ELSE 0 END,
      CASE plan
        WHEN 'taken' THEN statement_timestamp() + ${leaseMs} * interval '1 ms'
        WHEN 'waiting' THEN statement_timestamp()
      END,
      CASE plan WHEN 'too_old' THEN statement_timestamp() END
    FROM unnest(
      ${uuidArray(notifications, (it) => it.paymentId)}::uuid[],
      ${textArray(notifications, (it) => it.tenantId)}::text[],
      ${uuidArray(notifications, (it) => it.userId)}::uuid[],
      ${textArray(notifications, (it) => it.amount)}::text[],
      ${textArray(notifications, (it) => it.currency)}::text[],
      ${textArray(notifications, (it) => it.serviceName)}::text[],
      ${textArray(notifications, (it) => it.outcome)}::text[],
      ${textArray(notifications, (it) => it.traceparent)}::text[],
      ${timestamptzArray(notifications, (it) => new Date(it.finalizedAtMs))}::timestamptz[],
      ${textArray(notifications, (it) => it.plan)}::text[]
    ) AS n(payment_id, tenant_id, user_id, amount, currency, service_name, outcome, traceparent,
      finalized_at, plan)
    ORDER BY payment_id
    ON CONFLICT ON CONSTRAINT notifications_one_per_payment DO NOTHING
    RETURNING payment_id`
  const { rows } = await tx.query<{ payment_id: string }>(named('record-notifications', statement))
  return new Set(rows.map((row) => row.payment_id))
}
