import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ChangedPayment } from '../domain/decide-events.ts'

/** SQLSTATE raised when a payment is not in the status that it was decided on. */
export const PAYMENTS_MOVED = 'CA002'

/**
 * Moves the payments by compare-and-set on their status and writes their events, in one statement.
 * Raises PAYMENTS_MOVED if a payment has another status, so that nothing that travels behind this
 * statement takes effect (rule 1).
 */
export async function savePayments(
  tx: Tx,
  changed: readonly ChangedPayment[],
  events: readonly OutboxEvent[],
): Promise<void> {
  const after = changed.map((change) => change.after)
  const responses = after.map(({ pspAnswer: it }) => it && JSON.stringify(it))
  const sums = sumsOf(changed)
  const late = lateOf(changed)
  const values = sql`${sums.values}${late.values}`
  await tx.query(sql`
    WITH wanted AS (
      SELECT * FROM unnest(
        ${uuidArray(after, (payment) => payment.paymentId)}::uuid[],
        ${textArray(changed, ({ before }) => before.status)}::text[],
        ${textArray(after, (payment) => payment.status)}::text[],
        ${textArray(after, (payment) => payment.reason)}::text[],
        ${textArray(responses, (response) => response)}::text[],
        ${textArray(after, (payment) => payment.psp)}::text[],
        ${timestamptzArray(after, (payment) => payment.updatedAt)}::timestamptz[],
        ${timestamptzArray(after, (payment) => payment.reservedAt)}::timestamptz[],
        ${timestamptzArray(after, (payment) => payment.inDoubtAt)}::timestamptz[],
        ${timestamptzArray(after, (payment) => payment.finalizedAt)}::timestamptz[]${values}
      ) AS w(payment_id, expected_status, status, reason, gateway_response, psp,
        updated_at, reserved_at, in_doubt_at, finalized_at${sums.names}${late.names})
    ), moved AS (
      UPDATE payments p SET
        status = w.status,
        order_freed = ${late.frees},
        reason = w.reason,
        gateway_response = w.gateway_response::jsonb,
        psp = w.psp,
        updated_at = w.updated_at,
        reserved_at = w.reserved_at,
        in_doubt_at = w.in_doubt_at,
        finalized_at = w.finalized_at${sums.changes}${late.changes}
      FROM wanted w
      WHERE p.payment_id = w.payment_id AND p.status = w.expected_status
      RETURNING 1
    ), emitted AS (${outboxInsert(events)}
    )
    SELECT require_that(
      (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
      '${raw(PAYMENTS_MOVED)}', 'a payment is not in the status that was decided on')`)
}

/** What came back of payments; nearly all batches change none of it. */
function sumsOf(changed: readonly ChangedPayment[]): { values: Sql; names: Sql; changes: Sql } {
  const isChanged = changed.some(
    ({ before, after }) =>
      before.refundedMinor !== after.refundedMinor ||
      before.pendingMinor !== after.pendingMinor ||
      before.returnedMinor !== after.returnedMinor,
  )
  if (!isChanged) return { values: sql``, names: sql``, changes: sql`` }
  return {
    values: sql`,
        ${bigintArray(changed, ({ after }) => after.refundedMinor)}::bigint[],
        ${bigintArray(changed, ({ after }) => after.pendingMinor)}::bigint[],
        ${bigintArray(changed, ({ after }) => after.returnedMinor)}::bigint[]`,
    names: sql`, refunded_minor, pending_minor, returned_minor`,
    changes: sql`,
        refunded_minor = w.refunded_minor,
        pending_minor = w.pending_minor,
        returned_minor = w.returned_minor`,
  }
}

/** Facts after the end of payments; nearly all batches have none. */
function lateOf(changed: readonly ChangedPayment[]) {
  const isLate = changed.some(
    ({ before, after }) =>
      before.lateCapture !== null ||
      after.lateCapture !== null ||
      before.keepsFacts !== after.keepsFacts,
  )
  if (!isLate) {
    const frees = sql`(w.status = 'FAILED')`
    return { values: sql``, names: sql``, frees, changes: sql`` }
  }
  return {
    values: sql`,
        ${textArray(changed, ({ after }) => after.lateCapture)}::text[],
        ${textArray(changed, ({ after }) => String(after.keepsFacts))}::text[]`,
    names: sql`, late_capture, keeps_facts`,
    frees: sql`(w.status = 'FAILED' AND w.late_capture IS DISTINCT FROM 'RECOVERING')`,
    changes: sql`,
        late_capture = w.late_capture,
        keeps_facts = w.keeps_facts::boolean`,
  }
}
