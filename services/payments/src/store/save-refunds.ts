import {
  intArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { raw, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ChangedRefund } from '../domain/decide-events.ts'

/** SQLSTATE raised when a refund is not in the version that it was decided on. */
const REFUNDS_MOVED = 'CA004'

/**
 * Changes refunds by compare-and-set on what identifies their state, under the locks of their
 * payments. Raises REFUNDS_MOVED if one has another version.
 */
export async function saveRefunds(tx: Tx, changed: readonly ChangedRefund[]): Promise<void> {
  const after = changed.map((change) => change.after)
  const answers = after.map(({ pspAnswer: it }) => it && JSON.stringify(it))
  await tx.query(sql`
    WITH wanted AS (
      SELECT * FROM unnest(
        ${uuidArray(after, (refund) => refund.refundId)}::uuid[],
        ${intArray(changed, ({ before }) => before.version)}::int[],
        ${intArray(after, (refund) => refund.version)}::int[],
        ${textArray(after, (refund) => refund.status)}::text[],
        ${textArray(after, (refund) => refund.failureReason)}::text[],
        ${textArray(after, (refund) => refund.psp)}::text[],
        ${textArray(answers, (answer) => answer)}::text[],
        ${timestamptzArray(after, (refund) => refund.updatedAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.submittedAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.inDoubtAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.approvedAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.refusedAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.creditedAt)}::timestamptz[],
        ${textArray(after, (refund) => refund.creditedTo)}::text[],
        ${timestamptzArray(after, (refund) => refund.reversedAt)}::timestamptz[],
        ${timestamptzArray(after, (refund) => refund.recapturedAt)}::timestamptz[],
        ${textArray(after, (refund) => refund.recapturedFrom)}::text[]
      ) AS w(refund_id, expected_version, version, status, failure_reason, psp, gateway_response,
        updated_at, submitted_at, in_doubt_at, approved_at, refused_at, credited_at, credited_to,
        reversed_at, recaptured_at, recaptured_from)
    ), moved AS (
      UPDATE refunds r SET
        version = w.version,
        status = w.status,
        failure_reason = w.failure_reason,
        psp = w.psp,
        gateway_response = w.gateway_response::jsonb,
        updated_at = w.updated_at,
        submitted_at = w.submitted_at,
        in_doubt_at = w.in_doubt_at,
        approved_at = w.approved_at,
        refused_at = w.refused_at,
        credited_at = w.credited_at,
        credited_to = w.credited_to,
        reversed_at = w.reversed_at,
        recaptured_at = w.recaptured_at,
        recaptured_from = w.recaptured_from
      FROM wanted w
      WHERE r.refund_id = w.refund_id AND r.version = w.expected_version
      RETURNING 1
    )
    SELECT require_that(
      (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
      '${raw(REFUNDS_MOVED)}', 'a refund is not in the version that was decided on')`)
}
