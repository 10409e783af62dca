import {
  bigintArray,
  intArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Refund } from '../domain/refund.ts'

/** The INSERT of new refunds, to be one part of a statement that writes their effects too. */
export function insertRefunds(refunds: readonly Refund[]): Sql {
  return sql`
    INSERT INTO refunds (refund_id, payment_id, tenant_id, user_id, account_id, amount_minor,
      currency, origin, cause, metadata, trace_id, created_at, updated_at, status, version)
    SELECT refund_id, payment_id, tenant_id, user_id, account_id, amount_minor,
      currency, origin, cause, metadata::json, trace_id, created_at, created_at, status, version
    FROM unnest(
      ${uuidArray(refunds, (refund) => refund.refundId)}::uuid[],
      ${uuidArray(refunds, (refund) => refund.paymentId)}::uuid[],
      ${textArray(refunds, (refund) => refund.tenantId)}::text[],
      ${uuidArray(refunds, (refund) => refund.userId)}::uuid[],
      ${uuidArray(refunds, (refund) => refund.accountId)}::uuid[],
      ${bigintArray(refunds, (refund) => refund.amountMinor)}::bigint[],
      ${textArray(refunds, (refund) => refund.currency)}::text[],
      ${textArray(refunds, (refund) => refund.origin)}::text[],
      ${textArray(refunds, (refund) => refund.cause)}::text[],
      ${textArray(refunds, (refund) => JSON.stringify(refund.metadata))}::text[],
      ${uuidArray(refunds, (refund) => refund.traceId)}::uuid[],
      ${timestamptzArray(refunds, (refund) => refund.createdAt)}::timestamptz[],
      ${textArray(refunds, (refund) => refund.status)}::text[],
      ${intArray(refunds, (refund) => refund.version)}::int[]
    ) AS r(refund_id, payment_id, tenant_id, user_id, account_id, amount_minor, currency, origin,
      cause, metadata, trace_id, created_at, status, version)`
}
