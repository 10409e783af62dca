import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { NamedRequest } from '../domain/decide-cancel.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import { consumedOffsets } from './early-cancels.ts'
import { operationColumns, type OperationRow, stateOf, storedOperation } from './operation-row.ts'
import { OPERATIONS, type OperationTable, PAYMENTS } from './operation-tables.ts'

/** An operation of the request; `facts` is null if the request has not arrived yet. */
export type LockedOperation = {
  operationId: string
  state: PspOperation
  facts: OperationFacts | null
  now: number
}

/** The table of the operations of a request. */
export function tableOf({ kind }: Pick<NamedRequest, 'kind'>): OperationTable {
  return kind === 'pay' ? PAYMENTS : OPERATIONS
}

/**
 * Records the request as canceled before it arrived, unless it is recorded already. Its row has the
 * unique key of the operation that the request would become, so only one of the two exists. If
 * another transaction is recording the other one, this waits for it. Returns whether it is new.
 */
export async function addCanceled(tx: Tx, request: NamedRequest): Promise<boolean> {
  const { requestId, tenantId } = request
  // The snapshot of the statement is older than any transaction that passes over the new row, so
  // its offsets are before those of the request.
  const statement: Sql =
    request.kind === 'pay'
      ? sql`
        WITH recorded AS (
          INSERT INTO payments (payment_id, tenant_id, status, attempt_number, reason)
          VALUES (${requestId}, ${tenantId}, 'FAILED', 0, 'canceled')
          ON CONFLICT DO NOTHING RETURNING payment_id
        )
        INSERT INTO early_cancels (payment_id, next_offsets)
        SELECT payment_id, ${consumedOffsets} FROM recorded`
      : sql`
        INSERT INTO operations (operation_id, kind, request_id, sequence, tenant_id, status, reason)
        VALUES (${requestId}, 'refund', ${requestId}, 1, ${tenantId}, 'FAILED', 'canceled')
        ON CONFLICT DO NOTHING`
  const { rowCount } = await tx.query(named(`cancel-unknown-${request.kind}`, statement))
  return rowCount === 1
}

/**
 * Locks the operations of a request of the tenant, in the order in which all lock them, and loads
 * them, the first one first.
 */
export async function lockRequest(tx: Tx, request: NamedRequest): Promise<LockedOperation[]> {
  const table = tableOf(request)
  const statement = sql`
    WITH locked AS MATERIALIZED (
      SELECT ${operationColumns(table)} FROM ${table.rows}
      WHERE ${table.requestId} = ${request.requestId} AND tenant_id = ${request.tenantId}
      ORDER BY ${table.id}
      FOR UPDATE
    )
    SELECT * FROM locked ORDER BY created_at, operation_id`
  const { rows } = await tx.query<OperationRow & { account_id: string | null }>(
    named(`lock-request-of-${table.name}`, statement),
  )
  return rows.map((row) => ({
    operationId: row.operation_id,
    state: stateOf(row),
    facts: row.account_id === null ? null : storedOperation(row).facts,
    now: row.now.getTime(),
  }))
}
