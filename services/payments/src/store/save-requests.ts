import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  smallintArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'

/** A key with the answer that it is bound to from now on. */
export interface BoundKey {
  tenantId: string
  userId: string
  idempotencyKey: string
  fingerprint: string
  httpStatus: number
  body: string
  paymentId: string | null
}

/** The unique keys that tell who was first; their violation means: load and decide again. */
export const UNIQUE_CONSTRAINTS = {
  key: 'idempotency_keys_are_bound_once',
  order: 'payments_occupy_an_order_alone',
  payment: 'payments_have_one_row_each',
}

/**
 * Binds the keys, inserts the payments and their events, all in one statement. A unique violation
 * of one of UNIQUE_CONSTRAINTS says that another process was faster.
 */
export async function saveRequests(
  tx: Tx,
  keys: readonly BoundKey[],
  payments: readonly Payment[],
  events: readonly OutboxEvent[],
): Promise<void> {
  // Sorted, so that processes which bind the same keys wait for one another in the same order.
  await tx.query(sql`
    WITH bound AS (
      INSERT INTO idempotency_keys (tenant_id, user_id, idempotency_key, fingerprint, http_status,
        body, payment_id)
      SELECT tenant_id, user_id, idempotency_key, decode(fingerprint, 'hex'), http_status,
        body, payment_id
      FROM unnest(
        ${textArray(keys, (key) => key.tenantId)}::text[],
        ${uuidArray(keys, (key) => key.userId)}::uuid[],
        ${uuidArray(keys, (key) => key.idempotencyKey)}::uuid[],
        ${textArray(keys, (key) => key.fingerprint)}::text[],
        ${smallintArray(keys, (key) => key.httpStatus)}::smallint[],
        ${textArray(keys, (key) => key.body)}::text[],
        ${uuidArray(keys, (key) => key.paymentId)}::uuid[]
      ) AS k(tenant_id, user_id, idempotency_key, fingerprint, http_status, body, payment_id)
      ORDER BY user_id, idempotency_key, tenant_id
    ), emitted AS (${outboxInsert(events)}
    )
    INSERT INTO payments (payment_id, tenant_id, user_id, account_id, external_order_id,
      amount_minor, currency, service_name, trace_id, status, created_at, updated_at)
    SELECT payment_id, tenant_id, user_id, account_id, external_order_id,
      amount_minor, currency, service_name, trace_id, 'PENDING', created_at, created_at
    FROM unnest(
      ${uuidArray(payments, (payment) => payment.paymentId)}::uuid[],
      ${textArray(payments, (payment) => payment.tenantId)}::text[],
      ${uuidArray(payments, (payment) => payment.userId)}::uuid[],
      ${uuidArray(payments, (payment) => payment.accountId)}::uuid[],
      ${uuidArray(payments, (payment) => payment.externalOrderId)}::uuid[],
      ${bigintArray(payments, (payment) => payment.amountMinor)}::bigint[],
      ${textArray(payments, (payment) => payment.currency)}::text[],
      ${textArray(payments, (payment) => payment.serviceName)}::text[],
      ${uuidArray(payments, (payment) => payment.traceId)}::uuid[],
      ${timestamptzArray(payments, (payment) => payment.createdAt)}::timestamptz[]
    ) AS p(payment_id, tenant_id, user_id, account_id, external_order_id, amount_minor, currency,
      service_name, trace_id, created_at)
    ORDER BY external_order_id, tenant_id`)
}
