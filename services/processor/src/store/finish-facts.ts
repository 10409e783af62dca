import { intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { FactResult } from '../domain/decide-callback.ts'
import type { FactKey } from './claim-facts.ts'

/** What became of a fact. One that waits is due again. */
export type FinishedFact = FactKey & {
  callbackId: string
  /** Whether it is the only fact of its callback. */
  isAlone: boolean
  paymentId: string | null
  cause: string | null
} & ({ state: FactResult } | { state: 'RECEIVED'; dueInMs: number })

/**
 * Stores what became of facts, and of callbacks with one fact. The facts are locked by the caller,
 * so nothing else changes such a callback. Returns the ids of the others, whose states are then to
 * be derived: `finishCallbacks`.
 */
export async function finishFacts(tx: Tx, facts: readonly FinishedFact[]): Promise<string[]> {
  const dueInMs = (it: FinishedFact): number | null => (it.state === 'RECEIVED' ? it.dueInMs : null)
  const finish = sql`
    WITH finished AS (
      UPDATE callback_facts f SET
        state = d.state, cause = d.cause, payment_id = d.payment_id,
        due_at = statement_timestamp() + d.due_in_ms * interval '1 ms',
        tries = f.tries + (d.state = 'RECEIVED')::int,
        applied_at = CASE WHEN d.state <> 'RECEIVED' THEN statement_timestamp() END
      FROM unnest(
        ${textArray(facts, (it) => it.psp)}::text[],
        ${textArray(facts, (it) => it.account)}::text[],
        ${textArray(facts, (it) => it.key)}::text[],
        ${textArray(facts, (it) => it.state)}::text[],
        ${textArray(facts, (it) => it.cause)}::text[],
        ${uuidArray(facts, (it) => it.paymentId)}::uuid[],
        ${intArray(facts, dueInMs)}::int[],
        ${facts.map((it) => it.isAlone)}::boolean[]
      ) AS d(psp, psp_account, key, state, cause, payment_id, due_in_ms, is_alone)
      WHERE f.psp = d.psp AND f.psp_account = d.psp_account AND f.key = d.key
      RETURNING f.callback_id, d.state, d.is_alone
    )
    UPDATE callbacks c SET
      state = f.state,
      finished_at = CASE WHEN f.state <> 'RECEIVED' THEN statement_timestamp() END
    FROM finished f
    WHERE f.is_alone AND c.callback_id = f.callback_id AND c.state <> f.state`
  await tx.query(named('finish-facts', finish))
  return facts.flatMap((it) => (it.isAlone ? [] : [it.callbackId]))
}

/**
 * Derives the states of callbacks from their facts: the worst of them counts. Their rows are locked
 * last in a transaction and in one sorted order, behind those of operations and facts.
 */
export async function finishCallbacks(tx: Tx, callbackIds: readonly string[]): Promise<void> {
  if (callbackIds.length === 0) return
  const ids = uuidArray([...new Set(callbackIds)], (id) => id)
  // Two transactions may finish facts of one callback: the second one sees those of the first.
  const lock = sql`
    SELECT FROM callbacks WHERE callback_id = ANY(${ids}::uuid[]) ORDER BY callback_id FOR UPDATE`
  await tx.query(named('lock-callbacks', lock))
  const derive = sql`
    UPDATE callbacks c SET
      state = s.state,
      finished_at = CASE WHEN s.state <> 'RECEIVED' THEN statement_timestamp() END
    FROM (
      SELECT callback_id, (ARRAY['RECEIVED', 'CONTRADICTION', 'PARKED', 'APPLIED', 'NO_CHANGE'])[
        min(array_position(
          ARRAY['RECEIVED', 'CONTRADICTION', 'PARKED', 'APPLIED', 'NO_CHANGE'], state))] AS state
      FROM callback_facts WHERE callback_id = ANY(${ids}::uuid[])
      GROUP BY callback_id
    ) s
    WHERE c.callback_id = s.callback_id AND c.state <> s.state`
  await tx.query(named('finish-callbacks', derive))
}
