import { outboxColumns, type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  smallintArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
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

// Sorted, so that processes which bind the same keys wait for one another in the same order.
const SAVE = `
  WITH bound AS (
    INSERT INTO idempotency_keys (tenant_id, user_id, idempotency_key, fingerprint, http_status,
      body, payment_id)
    SELECT tenant_id, user_id, idempotency_key, decode(fingerprint, 'hex'), http_status,
      body, payment_id
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::text[],
      $7::uuid[]) AS k(tenant_id, user_id, idempotency_key, fingerprint, http_status, body,
      payment_id)
    ORDER BY user_id, idempotency_key, tenant_id
  ), told AS (${outboxInsert(18)}
  )
  INSERT INTO payments (payment_id, tenant_id, user_id, account_id, external_order_id,
    amount_minor, currency, service_name, trace_id, status, created_at, updated_at)
  SELECT payment_id, tenant_id, user_id, account_id, external_order_id,
    amount_minor, currency, service_name, trace_id, 'PENDING', created_at, created_at
  FROM unnest($8::uuid[], $9::text[], $10::uuid[], $11::uuid[], $12::uuid[], $13::bigint[],
    $14::text[], $15::text[], $16::uuid[], $17::timestamptz[]) AS p(payment_id, tenant_id, user_id,
    account_id, external_order_id, amount_minor, currency, service_name, trace_id, created_at)
  ORDER BY external_order_id, tenant_id`

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
  const values = [
    textArray(keys, (key) => key.tenantId),
    uuidArray(keys, (key) => key.userId),
    uuidArray(keys, (key) => key.idempotencyKey),
    textArray(keys, (key) => key.fingerprint),
    smallintArray(keys, (key) => key.httpStatus),
    textArray(keys, (key) => key.body),
    uuidArray(keys, (key) => key.paymentId),
    uuidArray(payments, (payment) => payment.paymentId),
    textArray(payments, (payment) => payment.tenantId),
    uuidArray(payments, (payment) => payment.userId),
    uuidArray(payments, (payment) => payment.accountId),
    uuidArray(payments, (payment) => payment.externalOrderId),
    bigintArray(payments, (payment) => payment.amountMinor),
    textArray(payments, (payment) => payment.currency),
    textArray(payments, (payment) => payment.serviceName),
    uuidArray(payments, (payment) => payment.traceId),
    timestamptzArray(payments, (payment) => payment.createdAt),
    ...outboxColumns(events),
  ]
  await tx.query({ text: SAVE, values })
}
