import { outboxColumns, type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  byteaArray,
  smallintArray,
  textArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { GatewayPayment, PaymentStatus } from '../domain/gateway-payment.ts'

/** SQLSTATE raised when a payment is not awaiting the attempt that its verdict answers. */
const NOT_AWAITED = 'CA003'

/** A verdict on the attempt that was awaited when it was decided. */
export type Verdict = {
  /** The status that the decision was made on. */
  expected: PaymentStatus
  state: GatewayPayment
  answered: {
    paymentId: string
    number: number
    status: 'APPROVED' | 'DECLINED'
    httpStatus: number
    answerBody: Buffer | null
    latencyMs: number
  }
}

// One statement is one transaction: a compare-and-set on the awaited attempt stands for the lock
// and the load. Step and attempt number change with every decision, so nothing was missed if they
// are the same. A refused one raises, and nothing takes effect (rule 1).
const SAVE = `
  WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[],
      $6::text[], $7::text[], $8::smallint[], $9::bytea[], $10::bigint[])
      AS w(payment_id, expected_status, attempt_number, status, gateway_response, reason,
        attempt_status, http_status, answer_body, latency_ms)
  ), moved AS (
    UPDATE payments p SET
      status = w.status, step = NULL, due_at = NULL, gateway_response = w.gateway_response::jsonb,
      reason = w.reason, finished_at = statement_timestamp()
    FROM wanted w
    WHERE p.payment_id = w.payment_id AND p.status = w.expected_status
      AND p.step = 'await' AND p.attempt_number = w.attempt_number
    RETURNING 1
  ), answered AS (
    UPDATE attempts a SET
      status = w.attempt_status, answered_at = statement_timestamp(),
      http_status = w.http_status, answer_body = w.answer_body, latency_ms = w.latency_ms
    FROM wanted w
    WHERE a.payment_id = w.payment_id AND a.number = w.attempt_number
  ), told AS (${outboxInsert(11)}
  )
  SELECT require_that(
    (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted),
    '${NOT_AWAITED}', 'a payment is not awaiting this answer')`

/** Ends payments by verdicts on their awaited attempts, all or none; see `isNotAwaited`. */
export async function saveVerdicts(
  db: Db,
  verdicts: readonly Verdict[],
  events: readonly OutboxEvent[],
): Promise<void> {
  const states = verdicts.map((verdict) => verdict.state)
  const answered = verdicts.map((verdict) => verdict.answered)
  await db.query({
    name: 'save-verdicts',
    text: SAVE,
    values: [
      uuidArray(answered, (it) => it.paymentId),
      textArray(verdicts, (it) => it.expected),
      bigintArray(answered, (it) => it.number),
      textArray(states, (it) => it.status),
      textArray(states, ({ lastResponse }) => lastResponse && JSON.stringify(lastResponse)),
      textArray(states, (it) => it.reason),
      textArray(answered, (it) => it.status),
      smallintArray(answered, (it) => it.httpStatus),
      byteaArray(answered, (it) => it.answerBody),
      bigintArray(answered, (it) => it.latencyMs),
      ...outboxColumns(events),
    ],
  })
}

/** Whether the error is the refused compare-and-set of `saveVerdicts`. */
export function isNotAwaited(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === NOT_AWAITED
}
