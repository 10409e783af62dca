import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  byteaArray,
  smallintArray,
  textArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { named, raw, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { PspOperation, OperationStatus } from '../domain/psp-operation.ts'
import type { OperationTable } from './operation-tables.ts'
import { factsAbout, type PspName } from './wake-facts.ts'

/**
 * SQLSTATE raised when an operation is not awaiting the attempt that its verdict answers, when the
 * transaction id of an approval is another operation's, or when facts came that name that id.
 */
const NOT_AWAITED = 'CA003'

/** A verdict on the attempt that was awaited when it was decided. */
export type AttemptVerdict = {
  /** The status before the decision. */
  expected: OperationStatus
  state: PspOperation
  /** Of an approval; null for a decline. */
  transactionId: string | null
  answered: {
    operationId: string
    number: number
    status: 'APPROVED' | 'DECLINED'
    httpStatus: number
    answerBody: Buffer | null
    latencyMs: number
  }
}

/**
 * Ends operations by verdicts on their awaited attempts, all or none; see `isNotAwaited`. Claims
 * the transaction ids of approvals (see `claimTransactions`).
 */
export async function saveVerdicts(
  db: Db,
  table: OperationTable,
  verdicts: readonly AttemptVerdict[],
  events: readonly OutboxEvent[],
): Promise<void> {
  const states = verdicts.map((verdict) => verdict.state)
  const responses = states.map(({ lastResponse: it }) => it && JSON.stringify(it))
  const answered = verdicts.map((verdict) => verdict.answered)
  const approved = verdicts.filter((verdict) => verdict.transactionId !== null)
  // One statement is one transaction: a compare-and-set on the awaited attempt replaces the lock
  // and the load. Step and attempt number change with every decision, so if they are equal, no
  // decision was missed. A mismatch raises an error, and nothing takes effect (rule 1).
  const statement = sql`
    WITH wanted AS (
      SELECT * FROM unnest(
        ${uuidArray(answered, (it) => it.operationId)}::uuid[],
        ${textArray(verdicts, (it) => it.expected)}::text[],
        ${bigintArray(answered, (it) => it.number)}::bigint[],
        ${textArray(states, (it) => it.status)}::text[],
        ${textArray(responses, (it) => it)}::text[],
        ${textArray(states, (it) => it.reason)}::text[],
        ${textArray(answered, (it) => it.status)}::text[],
        ${smallintArray(answered, (it) => it.httpStatus)}::smallint[],
        ${byteaArray(answered, (it) => it.answerBody)}::bytea[],
        ${bigintArray(answered, (it) => it.latencyMs)}::bigint[]
      ) AS w(id, expected_status, attempt_number, status, gateway_response, reason,
        attempt_status, http_status, answer_body, latency_ms)
    ), moved AS (
      UPDATE ${table.rows} p SET
        status = w.status, step = NULL, due_at = NULL, gateway_response = w.gateway_response::jsonb,
        reason = w.reason, finished_at = statement_timestamp()
      FROM wanted w
      WHERE p.${table.id} = w.id AND p.status = w.expected_status
        AND p.step IN ('await', 'await_further') AND p.attempt_number = w.attempt_number
      RETURNING 1
    ), answered AS (
      UPDATE ${table.attempts} a SET
        status = w.attempt_status, answered_at = statement_timestamp(),
        http_status = w.http_status, answer_body = w.answer_body, latency_ms = w.latency_ms
      FROM wanted w
      WHERE a.${table.id} = w.id AND a.number = w.attempt_number
    ), claimed AS (
      INSERT INTO ${table.transactions} (psp, gateway_transaction_id, ${table.id})
      SELECT psp, transaction_id, id FROM unnest(
        ${textArray(approved, ({ state }) => state.psp ?? DEFAULT_PSP)}::text[],
        ${textArray(approved, (it) => it.transactionId)}::text[],
        ${uuidArray(approved, (it) => it.answered.operationId)}::uuid[]
      ) AS c(psp, transaction_id, id)
      ORDER BY psp, transaction_id
      ON CONFLICT DO NOTHING
      RETURNING 1
    ), emitted AS (${outboxInsert(events)}
    )
    SELECT require_that(
      (SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted)
        AND (SELECT count(*) FROM claimed) = ${approved.length}::bigint
        AND NOT EXISTS (${factsAbout(approved.map(nameOf))}),
      '${raw(NOT_AWAITED)}', 'an operation is not awaiting this answer')`
  crashPoint('before', 'verdicts')
  await db.query(named(`save-verdicts-of-${table.name}`, statement))
  crashPoint('after', 'verdicts')
}

function nameOf({ state, transactionId }: AttemptVerdict): PspName {
  return { psp: state.psp ?? DEFAULT_PSP, itsId: transactionId ?? '' }
}

/** Whether the error is the refused compare-and-set of `saveVerdicts`. */
export function isNotAwaited(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === NOT_AWAITED
}
