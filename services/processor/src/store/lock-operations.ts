import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import {
  operationColumns,
  type OperationRow,
  type StoredOperation,
  storedOperation,
} from './operation-row.ts'
import type { OperationTable } from './operation-tables.ts'

/** Locks the operations in sorted order and loads them, by id. */
export async function lockOperations(
  tx: Tx,
  table: OperationTable,
  operationIds: readonly string[],
): Promise<Map<string, StoredOperation>> {
  // The clock is read once, after all locks, because the subquery needs every locked row.
  const statement = sql`
    WITH locked AS MATERIALIZED (
      SELECT ${operationColumns(table)} FROM ${table.rows}
      WHERE ${table.id} = ANY(${uuidArray(operationIds, (id) => id)}::uuid[])
      ORDER BY ${table.id}
      FOR UPDATE
    )
    SELECT locked.*, (SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) AS held) AS clock
    FROM locked`
  const { rows } = await tx.query<OperationRow & { clock: Date }>(
    named(`lock-${table.name}`, statement),
  )
  return new Map(rows.map((row) => [row.operation_id, storedOperation({ ...row, now: row.clock })]))
}
