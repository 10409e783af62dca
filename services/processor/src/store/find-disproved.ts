import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { OperationTable } from './operation-tables.ts'

/** A callback that claims a success, and the operation that it names. */
export type Claim = { callbackId: string; operationId: string }

/** Finds the claims that came before a status query which the PSP answered with a failure. */
export async function findDisproved<T extends Claim>(
  tx: Tx,
  table: OperationTable,
  claims: readonly T[],
): Promise<ReadonlySet<T>> {
  if (claims.length === 0) return new Set()
  const statement = sql`
    SELECT f.place::int FROM unnest(
      ${uuidArray(claims, (it) => it.callbackId)}::uuid[],
      ${uuidArray(claims, (it) => it.operationId)}::uuid[]
    ) WITH ORDINALITY AS f(callback_id, operation_id, place)
    JOIN callbacks c USING (callback_id)
    WHERE EXISTS (
      SELECT FROM ${table.queries} q
      WHERE q.${table.id} = f.operation_id
        AND q.answer = 'failed' AND q.answered_at >= c.received_at
    )`
  const { rows } = await tx.query<{ place: number }>(
    named(`find-disproved-${table.name}`, statement),
  )
  return new Set(rows.map(({ place }) => claims[place - 1]!))
}
