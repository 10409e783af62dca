import {
  bigintArray,
  byteaArray,
  intArray,
  textArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { PaymentFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import { PAYMENTS } from './operation-tables.ts'
import { storedStep } from './stored-steps.ts'

/** A payment that may be new. The times of `state` are relative to now. */
export type NewPayment = { facts: PaymentFacts; requestBody: Buffer; state: PspOperation }

/** Which payments were new, and the database's time. */
export type Recorded = { paymentIds: ReadonlySet<string>; now: number }

/** Records payments that are not known yet, with their first attempt if it begins now. */
export async function recordPayments(tx: Tx, payments: readonly NewPayment[]): Promise<Recorded> {
  const facts = payments.map((payment) => payment.facts)
  const states = payments.map((payment) => payment.state)
  const responses = states.map(({ lastResponse: it }) => it && JSON.stringify(it))
  // One row per payment, also for repeated events. The same statement records attempt 1 as SENDING,
  // so no unrecorded request can leave (rule 9). Sorted, so that two instances cannot deadlock.
  const statement = sql`
    WITH recorded AS (
      INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
        amount_minor, currency, destination_bank, request_body, traceparent, status, step, due_at,
        attempt_number, attempt_deadline_at, gateway_response, reason, psp, finished_at)
      SELECT payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
        amount_minor, currency, destination_bank, request_body, traceparent, status, step,
        statement_timestamp() + due_in_ms * interval '1 ms', attempt_number,
        statement_timestamp() + deadline_in_ms * interval '1 ms', gateway_response::jsonb, reason,
        psp, CASE WHEN step IS NULL THEN statement_timestamp() END
      FROM unnest(
        ${uuidArray(facts, (it) => it.paymentId)}::uuid[],
        ${textArray(facts, (it) => it.tenantId)}::text[],
        ${uuidArray(facts, (it) => it.accountId)}::uuid[],
        ${uuidArray(facts, (it) => it.userId)}::uuid[],
        ${uuidArray(facts, (it) => it.walletTransactionId)}::uuid[],
        ${bigintArray(facts, (it) => it.amountMinor)}::bigint[],
        ${textArray(facts, (it) => it.currency)}::text[],
        ${textArray(facts, (it) => it.destinationBank)}::text[],
        ${byteaArray(payments, (it) => it.requestBody)}::bytea[],
        ${textArray(facts, (it) => it.traceparent)}::text[],
        ${textArray(states, (it) => it.status)}::text[],
        ${textArray(states, (it) => storedStep(PAYMENTS, it))}::text[],
        ${intArray(states, (it) => it.dueAt)}::int[],
        ${intArray(states, (it) => it.attempt)}::int[],
        ${intArray(states, (it) => it.attemptDeadlineAt)}::int[],
        ${textArray(responses, (it) => it)}::text[],
        ${textArray(states, (it) => it.reason)}::text[],
        ${textArray(states, (it) => it.psp)}::text[]
      ) AS n(payment_id, tenant_id, account_id, user_id, wallet_transaction_id, amount_minor,
        currency, destination_bank, request_body, traceparent, status, step, due_in_ms,
        attempt_number, deadline_in_ms, gateway_response, reason, psp)
      ORDER BY payment_id
      ON CONFLICT ON CONSTRAINT payments_are_recorded_once DO NOTHING
      RETURNING payment_id, attempt_number, attempt_deadline_at
    ), begun AS (
      INSERT INTO attempts (payment_id, number, status, deadline_at)
      SELECT payment_id, attempt_number, 'SENDING', attempt_deadline_at
      FROM recorded WHERE attempt_number > 0
    )
    SELECT payment_id, statement_timestamp() AS now FROM recorded`
  const { rows } = await tx.query<{ payment_id: string; now: Date }>(
    named('record-payments', statement),
  )
  return {
    paymentIds: new Set(rows.map((row) => row.payment_id)),
    now: rows[0]?.now.getTime() ?? 0,
  }
}
