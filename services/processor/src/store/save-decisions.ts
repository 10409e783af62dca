import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { AttemptStatus } from '../domain/outcome.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import { isoTime } from './operation-row.ts'
import type { OperationTable } from './operation-tables.ts'
import { storedStep } from './stored-steps.ts'

/** The outcome of an attempt, with the facts of its call if there was one. */
export type ClosedAttempt = {
  operationId: string
  number: number
  status: Exclude<AttemptStatus, 'SENDING'>
  httpStatus: number | null
  answerBody: Buffer | null
  latencyMs: number | null
  errorClass: string | null
}

export type Decisions = {
  operations: readonly { operationId: string; state: PspOperation }[]
  closed: readonly ClosedAttempt[]
  events: readonly OutboxEvent[]
}

/** Writes decided states, answers of attempts, and their events. */
export async function saveDecisions(
  tx: Tx,
  table: OperationTable,
  { operations, closed, events }: Decisions,
): Promise<void> {
  const states = operations.map((operation) => operation.state)
  // New states, answers and events are one statement. The rows are locked by the caller. An
  // abandoned attempt may still get its real answer; an existing answer is never replaced.
  const statement = sql`
    WITH moved AS (
      UPDATE ${table.rows} p SET
        status = d.status, step = d.step, due_at = d.due_at,
        attempt_number = d.attempt_number, attempt_deadline_at = d.attempt_deadline_at,
        failure_count = d.failure_count, may_have_left = d.may_have_left, unproven = d.unproven,
        query_count = d.query_count, gateway_response = d.gateway_response, reason = d.reason,
        psp = coalesce(p.psp, d.psp),
        late_transaction_id = coalesce(p.late_transaction_id, d.late_transaction_id),
        reversed_at = CASE WHEN d.reversed
          THEN coalesce(p.reversed_at, statement_timestamp()) ELSE p.reversed_at END,
        stuck_at = CASE WHEN d.stuck
          THEN coalesce(p.stuck_at, statement_timestamp()) ELSE p.stuck_at END,
        in_doubt_at = CASE WHEN d.status = 'IN_DOUBT'
          THEN coalesce(p.in_doubt_at, statement_timestamp()) ELSE p.in_doubt_at END,
        finished_at = CASE WHEN d.step IS NULL
          THEN coalesce(p.finished_at, statement_timestamp()) END
      FROM unnest(
        ${operations.map((it) => it.operationId)}::uuid[],
        ${states.map((it) => it.status)}::text[],
        ${states.map((it) => storedStep(table, it))}::text[],
        ${states.map((it) => isoTime(it.dueAt))}::timestamptz[],
        ${states.map((it) => it.attempt)}::int[],
        ${states.map((it) => isoTime(it.attemptDeadlineAt))}::timestamptz[],
        ${states.map((it) => it.failures)}::int[],
        ${states.map((it) => it.mayHaveLeft)}::boolean[],
        ${states.map((it) => it.unproven)}::boolean[],
        ${states.map((it) => it.queries)}::int[],
        ${states.map(({ lastResponse }) => lastResponse && JSON.stringify(lastResponse))}::jsonb[],
        ${states.map((it) => it.reason)}::text[],
        ${states.map((it) => it.psp)}::text[],
        ${states.map((it) => it.lateId)}::text[],
        ${states.map((it) => it.reversed)}::boolean[],
        ${states.map((it) => it.stuck)}::boolean[]
      ) AS d(id, status, step, due_at, attempt_number, attempt_deadline_at, failure_count,
        may_have_left, unproven, query_count, gateway_response, reason, psp,
        late_transaction_id, reversed, stuck)
      WHERE p.${table.id} = d.id
    ), closed AS (
      UPDATE ${table.attempts} a SET
        status = c.status, answered_at = statement_timestamp(), http_status = c.http_status,
        answer_body = c.answer_body, latency_ms = c.latency_ms, error_class = c.error_class
      FROM unnest(
        ${closed.map((it) => it.operationId)}::uuid[],
        ${closed.map((it) => it.number)}::int[],
        ${closed.map((it) => it.status)}::text[],
        ${closed.map((it) => it.httpStatus)}::smallint[],
        ${closed.map((it) => it.answerBody)}::bytea[],
        ${closed.map((it) => it.latencyMs)}::int[],
        ${closed.map((it) => it.errorClass)}::text[]
      ) AS c(id, number, status, http_status, answer_body, latency_ms, error_class)
      WHERE a.${table.id} = c.id AND a.number = c.number
        AND a.status IN ('SENDING', 'UNKNOWN')
    )
    ${outboxInsert(events)}`
  await tx.query(named(`save-${table.name}`, statement))
}
