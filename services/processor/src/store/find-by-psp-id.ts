import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import { OPERATIONS, type OperationTable, PAYMENTS } from './operation-tables.ts'

/** An operation that an id of a PSP names. */
export type FoundByPspId = { table: OperationTable; id: string }
type PspId = { table: OperationTable; psp: string; itsId: string }

/** The key of an id of a PSP in what `findByPspId` returns. */
export function nameOfId({ table, psp, itsId }: PspId): string {
  return JSON.stringify([table.name, psp, itsId])
}

/**
 * Finds the operations that facts name by the PSP's ids: those with a verdict, and those that the
 * PSP accepted.
 */
export async function findByPspId(
  tx: Tx,
  reported: readonly { psp: string; fact: CallbackFact }[],
): Promise<ReadonlyMap<string, FoundByPspId>> {
  const wanted = reported.flatMap(({ psp, fact }): PspId[] => {
    const { kind, itsId, paymentItsId } = fact
    const payment = kind === 'pay' ? itsId : paymentItsId
    return [
      ...(payment === null ? [] : [{ table: PAYMENTS, psp, itsId: payment }]),
      ...(kind === 'pay' || itsId === null ? [] : [{ table: OPERATIONS, psp, itsId }]),
    ]
  })
  if (wanted.length === 0) return new Map()
  const [ofPayments, ofOperations] = [PAYMENTS, OPERATIONS].map((table) =>
    wanted.filter((it) => it.table === table),
  )
  const statement = sql`
    ${idsIn(PAYMENTS, ofPayments ?? [])} UNION ALL ${idsIn(OPERATIONS, ofOperations ?? [])}`
  const { rows } = await tx.query<{ name: string; psp: string; its_id: string; id: string }>(
    named('find-by-psp-id', statement),
  )
  return new Map(
    rows.map(({ name, psp, its_id: itsId, id }) => {
      const table = name === PAYMENTS.name ? PAYMENTS : OPERATIONS
      return [nameOfId({ table, psp, itsId }), { table, id }]
    }),
  )
}

function idsIn(table: OperationTable, wanted: readonly PspId[]): Sql {
  const { name, rows, id, transactions } = table
  const psps = textArray(wanted, (it) => it.psp)
  const itsIds = textArray(wanted, (it) => it.itsId)
  return sql`
    SELECT ${name}::text AS name, w.psp, w.its_id, t.${id} AS id
    FROM unnest(${psps}::text[], ${itsIds}::text[]) AS w(psp, its_id)
    JOIN ${transactions} t ON t.psp = w.psp AND t.gateway_transaction_id = w.its_id
    UNION ALL
    SELECT ${name}::text, w.psp, w.its_id, o.${id}
    FROM unnest(${psps}::text[], ${itsIds}::text[]) AS w(psp, its_id)
    JOIN ${rows} o ON o.gateway_response->>'gateway_transaction_id' = w.its_id
      AND o.step IS NOT NULL AND o.gateway_response IS NOT NULL
      AND coalesce(o.psp, ${DEFAULT_PSP}) = w.psp`
}
