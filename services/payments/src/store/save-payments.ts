import { outboxColumns, type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import { textArray, timestamptzArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ChangedPayment } from '../domain/decide-events.ts'

/** SQLSTATE raised when a payment is not in the status that it was decided on. */
export const PAYMENTS_MOVED = 'CA002'

// A compare-and-set on the status that was decided on. One that is refused raises, so that nothing
// that travels behind this statement takes effect (rule 1).
const SAVE = `
  WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
      $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])
      AS w(payment_id, expected_status, status, reason, gateway_response,
        updated_at, reserved_at, in_doubt_at, finalized_at)
  ), moved AS (
    UPDATE payments p SET
      status = w.status,
      order_freed = (w.status = 'FAILED'),
      reason = w.reason,
      gateway_response = w.gateway_response::jsonb,
      updated_at = w.updated_at,
      reserved_at = w.reserved_at,
      in_doubt_at = w.in_doubt_at,
      finalized_at = w.finalized_at
    FROM wanted w
    WHERE p.payment_id = w.payment_id AND p.status = w.expected_status
    RETURNING 1
  ), told AS (${outboxInsert(10)}
  )
  SELECT require_that(
    (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
    '${PAYMENTS_MOVED}', 'a payment is not in the status that was decided on')`

/**
 * Moves the payments by compare-and-set on their status and writes the events that tell of it, in
 * one statement; raises PAYMENTS_MOVED if one has another status.
 */
export async function savePayments(
  tx: Tx,
  changed: readonly ChangedPayment[],
  events: readonly OutboxEvent[],
): Promise<void> {
  const after = changed.map((change) => change.after)
  const values = [
    uuidArray(after, (payment) => payment.paymentId),
    textArray(changed, ({ before }) => before.status),
    textArray(after, (payment) => payment.status),
    textArray(after, (payment) => payment.reason),
    textArray(after, ({ gatewayResponse }) => gatewayResponse && JSON.stringify(gatewayResponse)),
    timestamptzArray(after, (payment) => payment.updatedAt),
    timestamptzArray(after, (payment) => payment.reservedAt),
    timestamptzArray(after, (payment) => payment.inDoubtAt),
    timestamptzArray(after, (payment) => payment.finalizedAt),
    ...outboxColumns(events),
  ]
  await tx.query({ text: SAVE, values })
}
