import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { finishCallbacks } from './finish-facts.ts'

/** An id of a PSP for an operation of ours. */
export type PspName = { psp: string; itsId: string }

/** Of facts `f` about nothing that was known when they were applied; as the indexes have it. */
export const isAboutUnknown = raw(`f.cause IN ('operation_unknown', 'payment_unknown')`)

/** The keys and callbacks of facts `f` about what was unknown and has one of these names now. */
export function factsAbout(names: readonly PspName[]): Sql {
  const named = sql`unnest(
    ${textArray(names, (it) => it.psp)}::text[],
    ${textArray(names, (it) => it.itsId)}::text[]
  ) AS n(psp, its_id)`
  return sql`
    SELECT f.psp, f.psp_account, f.key FROM ${named}
    JOIN callback_facts f ON f.psp = n.psp AND f.fact->>'itsId' = n.its_id
    WHERE ${isAboutUnknown}
    UNION
    SELECT f.psp, f.psp_account, f.key FROM ${named}
    JOIN callback_facts f ON f.psp = n.psp AND f.fact->>'paymentItsId' = n.its_id
    WHERE ${isAboutUnknown}`
}

/**
 * Makes facts due that wait for these ids, or that were finished while nothing had them. Returns
 * the ids of their callbacks, whose states are then to be derived: `finishCallbacks`.
 *
 * No transaction waits for the lock of a fact while it has one of an operation: who applies a fact
 * has its lock first. So a fact that another transaction has locked is left out. If that one
 * finishes it as unknown, `wakeLatelyUnknown` finds it.
 */
export async function wakeFacts(tx: Tx, names: readonly PspName[]): Promise<string[]> {
  if (names.length === 0) return []
  const statement = sql`
    WITH about AS (${factsAbout(names)}), unlocked AS MATERIALIZED (
      SELECT f.psp, f.psp_account, f.key FROM about a
      JOIN callback_facts f USING (psp, psp_account, key)
      WHERE ${isAboutUnknown} AND f.state IN ('RECEIVED', 'PARKED', 'APPLIED')
      ORDER BY f.psp, f.psp_account, f.key
      FOR UPDATE OF f SKIP LOCKED
    )
    UPDATE callback_facts f SET
      state = 'RECEIVED', due_at = statement_timestamp(), tries = 0, applied_at = NULL
    FROM unlocked u
    WHERE f.psp = u.psp AND f.psp_account = u.psp_account AND f.key = u.key
    RETURNING f.callback_id`
  const { rows } = await tx.query<{ callback_id: string }>(named('wake-facts', statement))
  return rows.map((row) => row.callback_id)
}

/** Does so for ids that the transaction has just stored, as its last step. */
export async function wakeFactsOf(tx: Tx, names: readonly PspName[]): Promise<boolean> {
  const callbackIds = await wakeFacts(tx, names)
  await finishCallbacks(tx, callbackIds)
  return callbackIds.length > 0
}
