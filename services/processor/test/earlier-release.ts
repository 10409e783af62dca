import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Reader, Tx } from '@caudal/postgres/types.ts'

const dueOf = (step: string): string => `
    SELECT payment_id, step FROM payments
    WHERE step = '${step}' AND due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT 100
    FOR UPDATE SKIP LOCKED`

/** As it claims what is due (services/processor/src/store/claim-due.ts there). */
const CLAIM = `
  WITH sends AS (${dueOf('send')}
  ), queries AS (${dueOf('query')}
  ), lost AS (${dueOf('await')}
  )
  SELECT * FROM sends UNION ALL SELECT * FROM queries UNION ALL SELECT * FROM lost`

/**
 * Consumes the event as release 0.1.0 does, by its statement
 * (services/processor/src/store/record-payments.ts there). Returns whether the payment was new.
 */
export async function recordByEarlierRelease(tx: Tx, event: FundsReserved): Promise<boolean> {
  const all = <T>(value: T): T[] => [value]
  const ids = (id: string): Buffer | string => uuidArray([id], (it) => it)
  const { rows } = await tx.query(sql`
    WITH recorded AS (
      INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
        amount_minor, currency, request_body, traceparent, status, step, due_at, attempt_number,
        attempt_deadline_at, gateway_response, reason, finished_at)
      SELECT payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
        amount_minor, currency, request_body, traceparent, status, step,
        statement_timestamp() + due_in_ms * interval '1 ms', attempt_number,
        statement_timestamp() + deadline_in_ms * interval '1 ms', gateway_response::jsonb, reason,
        CASE WHEN step IS NULL THEN statement_timestamp() END
      FROM unnest(${ids(event.payment_id)}::uuid[], ${all(event.tenant_id)}::text[],
        ${ids(event.account_id)}::uuid[], ${ids(event.user_id)}::uuid[],
        ${ids(event.wallet_transaction_id)}::uuid[], ${all(1_000n)}::bigint[],
        ${all(event.payment_data.currency)}::text[], ${all(Buffer.from('{}'))}::bytea[],
        ${all<string | null>(null)}::text[], ${all('PENDING')}::text[], ${all('await')}::text[],
        ${all(6_000)}::int[], ${all(1)}::int[], ${all(5_000)}::int[],
        ${all<string | null>(null)}::text[], ${all<string | null>(null)}::text[])
        AS n(payment_id, tenant_id, account_id, user_id, wallet_transaction_id, amount_minor,
          currency, request_body, traceparent, status, step, due_in_ms, attempt_number,
          deadline_in_ms, gateway_response, reason)
      ORDER BY payment_id
      ON CONFLICT ON CONSTRAINT payments_are_recorded_once DO NOTHING
      RETURNING payment_id, attempt_number, attempt_deadline_at
    ), begun AS (
      INSERT INTO attempts (payment_id, number, status, deadline_at)
      SELECT payment_id, attempt_number, 'SENDING', attempt_deadline_at
      FROM recorded WHERE attempt_number > 0
    )
    SELECT payment_id, statement_timestamp() AS now FROM recorded`)
  return rows.length === 1
}

/** The ids of the payments that release 0.1.0 takes as due. */
export async function claimByEarlierRelease(db: Reader): Promise<string[]> {
  const { rows } = await db.query<{ payment_id: string }>(CLAIM)
  return rows.map((row) => row.payment_id)
}
