import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import { insertKeys } from '@caudal/idempotency/insert-keys.ts'
import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Payment } from '../domain/payment.ts'
import { PAYMENT_KEYS } from './payment-keys.ts'

/** The unique keys that decide who was first: after a violation the batch is decided again. */
export const UNIQUE_CONSTRAINTS = {
  key: 'idempotency_keys_are_bound_once',
  order: 'payments_occupy_an_order_alone',
  payment: 'payments_have_one_row_each',
}

/**
 * Binds the keys and inserts the payments and their events, all in one statement. A violation of
 * one of UNIQUE_CONSTRAINTS means that another process was faster.
 */
export async function saveRequests(
  tx: Tx,
  keys: readonly BoundKey[],
  payments: readonly Payment[],
  events: readonly OutboxEvent[],
): Promise<void> {
  await tx.query(sql`
    WITH bound AS (${insertKeys(PAYMENT_KEYS, keys)}
    ), emitted AS (${outboxInsert(events)}
    )
    INSERT INTO payments (payment_id, tenant_id, user_id, account_id, external_order_id,
      amount_minor, currency, service_name, service_account_number, service_bank_code, trace_id,
      status, created_at, updated_at)
    SELECT payment_id, tenant_id, user_id, account_id, external_order_id,
      amount_minor, currency, service_name, service_account_number, service_bank_code, trace_id,
      'PENDING', created_at, created_at
    FROM unnest(
      ${uuidArray(payments, (payment) => payment.paymentId)}::uuid[],
      ${textArray(payments, (payment) => payment.tenantId)}::text[],
      ${uuidArray(payments, (payment) => payment.userId)}::uuid[],
      ${uuidArray(payments, (payment) => payment.accountId)}::uuid[],
      ${uuidArray(payments, (payment) => payment.externalOrderId)}::uuid[],
      ${bigintArray(payments, (payment) => payment.amountMinor)}::bigint[],
      ${textArray(payments, (payment) => payment.currency)}::text[],
      ${textArray(payments, (payment) => payment.serviceName)}::text[],
      ${textArray(payments, (payment) => payment.serviceAccountNumber)}::text[],
      ${textArray(payments, (payment) => payment.serviceBankCode)}::text[],
      ${uuidArray(payments, (payment) => payment.traceId)}::uuid[],
      ${timestamptzArray(payments, (payment) => payment.createdAt)}::timestamptz[]
    ) AS p(payment_id, tenant_id, user_id, account_id, external_order_id, amount_minor, currency,
      service_name, service_account_number, service_bank_code, trace_id, created_at)
    ORDER BY external_order_id, tenant_id`)
}
