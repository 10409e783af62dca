import {
  bigintArray,
  intArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { raw, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { SavedRow } from '../domain/batch-book.ts'
import type { Dispute } from '../domain/dispute.ts'
import { FACTS_MOVED } from './save-facts.ts'

/**
 * Inserts new disputes and changes others by compare-and-set on their version. Raises FACTS_MOVED
 * if another process was faster, so that a dispute is lost once.
 */
export async function saveDisputes(tx: Tx, changed: readonly SavedRow<Dispute>[]): Promise<void> {
  const after = changed.map((change) => change.after)
  await tx.query(sql`
    WITH saved AS (
      INSERT INTO disputes AS d (dispute_id, tenant_id, account_id, payment_id, user_id, psp,
        amount_minor, currency, reference, reason, outcome, version, received_at, updated_at)
      SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.disputeId)}::uuid[],
        ${textArray(after, (it) => it.tenantId)}::text[],
        ${uuidArray(after, (it) => it.accountId)}::uuid[],
        ${uuidArray(after, (it) => it.paymentId)}::uuid[],
        ${uuidArray(after, (it) => it.userId)}::uuid[],
        ${textArray(after, (it) => it.psp)}::text[],
        ${bigintArray(after, (it) => it.amountMinor)}::bigint[],
        ${textArray(after, (it) => it.currency)}::text[],
        ${textArray(after, (it) => it.reference)}::text[],
        ${textArray(after, (it) => it.reason)}::text[],
        ${textArray(after, (it) => it.outcome)}::text[],
        ${intArray(after, (it) => it.version)}::int[],
        ${timestamptzArray(after, (it) => it.receivedAt)}::timestamptz[],
        ${timestamptzArray(after, (it) => it.updatedAt)}::timestamptz[]
      )
      ON CONFLICT (dispute_id) DO UPDATE SET
        tenant_id = excluded.tenant_id,
        payment_id = excluded.payment_id,
        user_id = excluded.user_id,
        outcome = excluded.outcome,
        version = excluded.version,
        updated_at = excluded.updated_at
      WHERE (d.dispute_id, d.version) IN (SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.disputeId)}::uuid[],
        ${intArray(changed, ({ before }) => before?.version ?? 0)}::int[]))
      RETURNING 1
    )
    SELECT require_that((SELECT count(*) FROM saved) = ${changed.length},
      '${raw(FACTS_MOVED)}', 'a dispute is not in the version that was decided on')`)
}
