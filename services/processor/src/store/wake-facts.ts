import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { finishCallbacks } from './finish-facts.ts'

/** An id of a PSP for an operation of ours. */
export type PspName = { psp: string; itsId: string }

/**
 * Makes facts due that wait for these ids, or that were finished while nothing had them. Returns
 * whether there are any.
 */
export async function wakeFacts(tx: Tx, names: readonly PspName[]): Promise<boolean> {
  if (names.length === 0) return false
  const statement = sql`
    WITH names AS (
      SELECT * FROM unnest(
        ${textArray(names, (it) => it.psp)}::text[],
        ${textArray(names, (it) => it.itsId)}::text[]
      ) AS n(psp, its_id)
    ), unknown AS (
      SELECT f.psp, f.psp_account, f.key FROM names n
      JOIN callback_facts f ON f.psp = n.psp AND f.fact->>'itsId' = n.its_id
      WHERE f.cause IN ('operation_unknown', 'payment_unknown')
      UNION
      SELECT f.psp, f.psp_account, f.key FROM names n
      JOIN callback_facts f ON f.psp = n.psp AND f.fact->>'paymentItsId' = n.its_id
      WHERE f.cause IN ('operation_unknown', 'payment_unknown')
    )
    UPDATE callback_facts f SET
      state = 'RECEIVED', due_at = statement_timestamp(), tries = 0, applied_at = NULL
    FROM unknown u
    WHERE f.psp = u.psp AND f.psp_account = u.psp_account AND f.key = u.key
      AND f.cause IN ('operation_unknown', 'payment_unknown')
      AND f.state IN ('RECEIVED', 'PARKED', 'APPLIED')
    RETURNING f.callback_id`
  const { rows } = await tx.query<{ callback_id: string }>(named('wake-facts', statement))
  if (rows.length === 0) return false
  await finishCallbacks(tx, [...new Set(rows.map((row) => row.callback_id))])
  return true
}
