import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import type { Reader, Tx } from '@caudal/postgres/types.ts'

/** As release 0.1.0 records payments (services/processor/src/store/record-payments.ts there). */
const RECORD = `
  WITH recorded AS (
    INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
      amount_minor, currency, request_body, traceparent, status, step, due_at, attempt_number,
      attempt_deadline_at, gateway_response, reason, finished_at)
    SELECT payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
      amount_minor, currency, request_body, traceparent, status, step,
      statement_timestamp() + due_in_ms * interval '1 ms', attempt_number,
      statement_timestamp() + deadline_in_ms * interval '1 ms', gateway_response::jsonb, reason,
      CASE WHEN step IS NULL THEN statement_timestamp() END
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[],
      $7::text[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::int[], $13::int[],
      $14::int[], $15::text[], $16::text[])
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
  SELECT payment_id, statement_timestamp() AS now FROM recorded`

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

/** Consumes the event as release 0.1.0 does. Returns whether the payment was new. */
export async function recordByEarlierRelease(tx: Tx, event: FundsReserved): Promise<boolean> {
  const all = <T>(value: T): T[] => [value]
  const ids = [event.payment_id]
  const { rows } = await tx.query(RECORD, [
    uuidArray(ids, (id) => id),
    all(event.tenant_id),
    all(event.account_id),
    all(event.user_id),
    all(event.wallet_transaction_id),
    all(1_000n),
    all(event.payment_data.currency),
    all(Buffer.from('{}')),
    all(null),
    all('PENDING'),
    all('await'),
    all(6_000),
    all(1),
    all(5_000),
    all(null),
    all(null),
  ])
  return rows.length === 1
}

/** The ids of the payments that release 0.1.0 takes as due. */
export async function claimByEarlierRelease(db: Reader): Promise<string[]> {
  const { rows } = await db.query<{ payment_id: string }>(CLAIM)
  return rows.map((row) => row.payment_id)
}
