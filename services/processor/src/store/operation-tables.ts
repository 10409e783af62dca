import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'

/**
 * The tables of operations at a PSP. Payments have their own, which the release before shares. Both
 * have the same columns for state and progress, and one store serves both.
 */
export type OperationTable = {
  name: 'payments' | 'operations'
  rows: Sql
  /** The column that names the operation in all tables of this set. */
  id: Sql
  /** The column that names what was requested: the payment, the refund or the payout. */
  requestId: Sql
  attempts: Sql
  queries: Sql
  transactions: Sql
  /** Facts that the other table has not, as one shape. */
  ownFacts: Sql
}

export const PAYMENTS: OperationTable = {
  name: 'payments',
  rows: raw('payments'),
  id: raw('payment_id'),
  requestId: raw('payment_id'),
  attempts: raw('attempts'),
  queries: raw('status_queries'),
  transactions: raw('psp_transactions'),
  ownFacts: sql`payment_id AS operation_id, payment_id, 'pay' AS kind, wallet_transaction_id,
    NULL::uuid AS request_id, NULL::int AS sequence, NULL::text AS gateway_transaction_id,
    NULL::timestamptz AS requested_at`,
}

/** Refunds, voids and payouts. */
export const OPERATIONS: OperationTable = {
  name: 'operations',
  rows: raw('operations'),
  id: raw('operation_id'),
  requestId: raw('request_id'),
  attempts: raw('operation_attempts'),
  queries: raw('operation_queries'),
  transactions: raw('operation_transactions'),
  ownFacts: sql`operation_id, payment_id, kind, NULL::uuid AS wallet_transaction_id,
    request_id, sequence, gateway_transaction_id, requested_at`,
}
