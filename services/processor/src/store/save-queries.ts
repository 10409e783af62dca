import type { Tx } from '@caudal/postgres/types.ts'
import type { StatusAnswer } from '../domain/outcome.ts'

/** The result of a status query. */
export type AnsweredQuery = {
  paymentId: string
  number: number
  answer: StatusAnswer['kind']
  httpStatus: number | null
  answerBody: Buffer | null
  latencyMs: number
  errorClass: string | null
}

// An answer may be reported again after a commit of unknown outcome; it exists already then.
const SAVE = `
  INSERT INTO status_queries
    (payment_id, number, answer, http_status, answer_body, latency_ms, error_class)
  SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::smallint[], $5::bytea[], $6::int[],
    $7::text[])
  ON CONFLICT ON CONSTRAINT status_queries_are_numbered DO NOTHING`

/** Stores every answer to a status query. */
export async function saveQueries(tx: Tx, queries: readonly AnsweredQuery[]): Promise<void> {
  if (queries.length === 0) return
  await tx.query({
    name: 'save-queries',
    text: SAVE,
    values: [
      queries.map((it) => it.paymentId),
      queries.map((it) => it.number),
      queries.map((it) => it.answer),
      queries.map((it) => it.httpStatus),
      queries.map((it) => it.answerBody),
      queries.map((it) => it.latencyMs),
      queries.map((it) => it.errorClass),
    ],
  })
}
