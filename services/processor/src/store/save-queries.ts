import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { StatusAnswer } from '../domain/outcome.ts'
import type { OperationTable } from './operation-tables.ts'

/** The result of a status query. */
export type AnsweredQuery = {
  operationId: string
  number: number
  answer: StatusAnswer['kind']
  httpStatus: number | null
  answerBody: Buffer | null
  latencyMs: number
  errorClass: string | null
}

/** Stores every answer to a status query. */
export async function saveQueries(
  tx: Tx,
  table: OperationTable,
  queries: readonly AnsweredQuery[],
): Promise<void> {
  if (queries.length === 0) return
  // An answer may be reported again after a commit of unknown outcome; it exists already then.
  const statement = sql`
    INSERT INTO ${table.queries}
      (${table.id}, number, answer, http_status, answer_body, latency_ms, error_class)
    SELECT * FROM unnest(
      ${queries.map((it) => it.operationId)}::uuid[],
      ${queries.map((it) => it.number)}::int[],
      ${queries.map((it) => it.answer)}::text[],
      ${queries.map((it) => it.httpStatus)}::smallint[],
      ${queries.map((it) => it.answerBody)}::bytea[],
      ${queries.map((it) => it.latencyMs)}::int[],
      ${queries.map((it) => it.errorClass)}::text[])
    ON CONFLICT (${table.id}, number) DO NOTHING`
  await tx.query(named(`save-queries-of-${table.name}`, statement))
}
