import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { RequestedFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'

/** A refund, void or payout that may be new. It is due when it is recorded, or it is over. */
export type NewRequested = { facts: RequestedFacts; requestBody: Buffer; state: PspOperation }

/** The ids of the operations that were new, and the database's time. */
export type RecordedOperations = { operationIds: ReadonlySet<string>; now: number }

/**
 * Records refunds, voids and payouts that are not known yet. A request has one first operation,
 * whatever is chosen when its event is delivered again.
 */
export async function recordOperations(
  tx: Tx,
  requested: readonly NewRequested[],
): Promise<RecordedOperations> {
  if (requested.length === 0) return { operationIds: new Set(), now: 0 }
  const facts = requested.map((it) => it.facts)
  const states = requested.map((it) => it.state)
  // Sorted, so that two instances cannot deadlock.
  const statement = sql`
    INSERT INTO operations (operation_id, kind, request_id, sequence, payment_id, tenant_id,
      account_id, user_id, amount_minor, currency, destination_bank, gateway_transaction_id,
      requested_at, request_body, traceparent, status, step, due_at, attempt_number,
      gateway_response, reason, psp, finished_at)
    SELECT operation_id, kind, request_id, sequence, payment_id, tenant_id, account_id, user_id,
      amount_minor, currency, destination_bank, gateway_transaction_id, requested_at, request_body,
      traceparent, status, step, CASE WHEN step IS NOT NULL THEN statement_timestamp() END, 0,
      gateway_response::jsonb, reason, psp, CASE WHEN step IS NULL THEN statement_timestamp() END
    FROM unnest(
      ${facts.map((it) => it.operationId)}::uuid[],
      ${facts.map((it) => it.kind)}::text[],
      ${facts.map((it) => it.requestId)}::uuid[],
      ${facts.map((it) => it.sequence)}::int[],
      ${facts.map((it) => it.paymentId)}::uuid[],
      ${facts.map((it) => it.tenantId)}::text[],
      ${facts.map((it) => it.accountId)}::uuid[],
      ${facts.map((it) => it.userId)}::uuid[],
      ${facts.map((it) => it.amountMinor)}::bigint[],
      ${facts.map((it) => it.currency)}::text[],
      ${facts.map((it) => it.destinationBank)}::text[],
      ${facts.map((it) => it.gatewayTransactionId)}::text[],
      ${facts.map((it) => it.requestedAt)}::timestamptz[],
      ${requested.map((it) => it.requestBody)}::bytea[],
      ${facts.map((it) => it.traceparent)}::text[],
      ${states.map((it) => it.status)}::text[],
      ${states.map((it) => it.step)}::text[],
      ${states.map(({ lastResponse: it }) => it && JSON.stringify(it))}::text[],
      ${states.map((it) => it.reason)}::text[],
      ${states.map((it) => it.psp)}::text[]
    ) AS n(operation_id, kind, request_id, sequence, payment_id, tenant_id, account_id, user_id,
      amount_minor, currency, destination_bank, gateway_transaction_id, requested_at, request_body,
      traceparent, status, step, gateway_response, reason, psp)
    ORDER BY request_id, sequence
    ON CONFLICT DO NOTHING
    RETURNING operation_id, statement_timestamp() AS now`
  const { rows } = await tx.query<{ operation_id: string; now: Date }>(
    named('record-operations', statement),
  )
  return {
    operationIds: new Set(rows.map((row) => row.operation_id)),
    now: rows[0]?.now.getTime() ?? 0,
  }
}
