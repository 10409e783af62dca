import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { OperationTable } from './operation-tables.ts'

/** Which requests were canceled before they arrived, and the database's time. */
export type FinishedCancels = { canceled: ReadonlySet<string>; now: number }

/**
 * Finishes cancels whose request arrived now, and returns their ids. Each is returned once: its row
 * has no end before.
 */
export async function finishCanceled(
  tx: Tx,
  { name, rows: table, id, requestId }: OperationTable,
  requestIds: readonly string[],
): Promise<FinishedCancels> {
  const statement = sql`
    WITH locked AS MATERIALIZED (
      SELECT ${id} AS locked_id FROM ${table}
      WHERE ${requestId} = ANY(${uuidArray(requestIds, (it) => it)}::uuid[])
        AND reason = 'canceled' AND finished_at IS NULL
      ORDER BY ${id}
      FOR UPDATE
    )
    UPDATE ${table} SET finished_at = statement_timestamp() FROM locked WHERE ${id} = locked_id
    RETURNING ${requestId} AS id, statement_timestamp() AS now`
  const { rows } = await tx.query<{ id: string; now: Date }>(
    named(`finish-canceled-${name}`, statement),
  )
  return {
    canceled: new Set(rows.map((row) => row.id)),
    now: rows[0]?.now.getTime() ?? 0,
  }
}
