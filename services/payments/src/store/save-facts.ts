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
import type { BlockedDestination } from '../domain/fact-effect.ts'
import type { FoundRefund } from '../domain/found-refund.ts'
import type { ReturnedMoney } from '../domain/returned-money.ts'

/** SQLSTATE raised when a return, found refund or dispute is not as it was decided on. */
export const FACTS_MOVED = 'CA005'

/**
 * Inserts new returns and changes others by compare-and-set on their version. Raises FACTS_MOVED if
 * another process was faster, so that nothing is booked for the same evidence twice.
 */
export async function saveReturns(
  tx: Tx,
  changed: readonly SavedRow<ReturnedMoney>[],
): Promise<void> {
  const after = changed.map((change) => change.after)
  await tx.query(sql`
    WITH saved AS (
      INSERT INTO returns AS r (return_id, tenant_id, account_id, payment_id, user_id, psp,
        amount_minor, charges_minor, currency, reference, reason, reason_code, status,
        suspended_for, matched_at, version, received_at, updated_at)
      SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.returnId)}::uuid[],
        ${textArray(after, (it) => it.tenantId)}::text[],
        ${uuidArray(after, (it) => it.accountId)}::uuid[],
        ${uuidArray(after, (it) => it.paymentId)}::uuid[],
        ${uuidArray(after, (it) => it.userId)}::uuid[],
        ${textArray(after, (it) => it.psp)}::text[],
        ${bigintArray(after, (it) => it.amountMinor)}::bigint[],
        ${bigintArray(after, (it) => it.chargesMinor)}::bigint[],
        ${textArray(after, (it) => it.currency)}::text[],
        ${textArray(after, (it) => it.reference)}::text[],
        ${textArray(after, (it) => it.reason)}::text[],
        ${textArray(after, (it) => it.reasonCode)}::text[],
        ${textArray(after, (it) => it.status)}::text[],
        ${textArray(after, (it) => it.suspendedFor)}::text[],
        ${timestamptzArray(after, (it) => it.matchedAt)}::timestamptz[],
        ${intArray(after, (it) => it.version)}::int[],
        ${timestamptzArray(after, (it) => it.receivedAt)}::timestamptz[],
        ${timestamptzArray(after, (it) => it.updatedAt)}::timestamptz[]
      )
      ON CONFLICT (return_id) DO UPDATE SET
        tenant_id = excluded.tenant_id,
        payment_id = excluded.payment_id,
        user_id = excluded.user_id,
        status = excluded.status,
        suspended_for = excluded.suspended_for,
        matched_at = excluded.matched_at,
        version = excluded.version,
        updated_at = excluded.updated_at
      WHERE (r.return_id, r.version) IN (SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.returnId)}::uuid[],
        ${intArray(changed, ({ before }) => before?.version ?? 0)}::int[]))
      RETURNING 1
    )
    SELECT require_that((SELECT count(*) FROM saved) = ${changed.length},
      '${raw(FACTS_MOVED)}', 'a return is not in the version that was decided on')`)
}

/** Like `saveReturns`, by compare-and-set on the status. */
export async function saveFoundRefunds(
  tx: Tx,
  changed: readonly SavedRow<FoundRefund>[],
): Promise<void> {
  const after = changed.map((change) => change.after)
  await tx.query(sql`
    WITH saved AS (
      INSERT INTO found_refunds AS f (refund_id, tenant_id, account_id, payment_id, user_id, psp,
        amount_minor, currency, status, suspended_for, received_at, reversed_at, updated_at)
      SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.refundId)}::uuid[],
        ${textArray(after, (it) => it.tenantId)}::text[],
        ${uuidArray(after, (it) => it.accountId)}::uuid[],
        ${uuidArray(after, (it) => it.paymentId)}::uuid[],
        ${uuidArray(after, (it) => it.userId)}::uuid[],
        ${textArray(after, (it) => it.psp)}::text[],
        ${bigintArray(after, (it) => it.amountMinor)}::bigint[],
        ${textArray(after, (it) => it.currency)}::text[],
        ${textArray(after, (it) => it.status)}::text[],
        ${textArray(after, (it) => it.suspendedFor)}::text[],
        ${timestamptzArray(after, (it) => it.receivedAt)}::timestamptz[],
        ${timestamptzArray(after, (it) => it.reversedAt)}::timestamptz[],
        ${timestamptzArray(after, (it) => it.updatedAt)}::timestamptz[]
      )
      ON CONFLICT (refund_id) DO UPDATE SET
        status = excluded.status,
        suspended_for = excluded.suspended_for,
        reversed_at = excluded.reversed_at,
        updated_at = excluded.updated_at
      WHERE (f.refund_id, f.status) IN (SELECT * FROM unnest(
        ${uuidArray(after, (it) => it.refundId)}::uuid[],
        ${textArray(changed, ({ before }) => before?.status ?? '')}::text[]))
      RETURNING 1
    )
    SELECT require_that((SELECT count(*) FROM saved) = ${changed.length},
      '${raw(FACTS_MOVED)}', 'a found refund is not in the status that was decided on')`)
}

/**
 * Blocks destinations, also those that were unblocked. One that is blocked stays so for its first
 * reason.
 */
export async function blockDestinations(
  tx: Tx,
  blocked: readonly BlockedDestination[],
): Promise<void> {
  await tx.query(sql`
    INSERT INTO blocked_destinations AS present (tenant_id, service_bank_code,
      service_account_number, return_id, reason_code, blocked_at)
    SELECT DISTINCT ON (b.service_account_number, b.service_bank_code, b.tenant_id) *
    FROM unnest(
      ${textArray(blocked, (it) => it.tenantId)}::text[],
      ${textArray(blocked, (it) => it.serviceBankCode)}::text[],
      ${textArray(blocked, (it) => it.serviceAccountNumber)}::text[],
      ${uuidArray(blocked, (it) => it.returnId)}::uuid[],
      ${textArray(blocked, (it) => it.reasonCode)}::text[],
      ${timestamptzArray(blocked, (it) => it.blockedAt)}::timestamptz[]
    ) AS b(tenant_id, service_bank_code, service_account_number, return_id)
    ORDER BY b.service_account_number, b.service_bank_code, b.tenant_id, b.return_id
    ON CONFLICT (service_account_number, service_bank_code, tenant_id) DO UPDATE SET
      return_id = excluded.return_id, reason_code = excluded.reason_code,
      blocked_at = excluded.blocked_at, unblocked_at = NULL
    WHERE present.unblocked_at IS NOT NULL`)
}
