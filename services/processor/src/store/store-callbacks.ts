import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import { byteaArray, intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import { factText } from './fact-text.ts'
import { isoTime } from './operation-row.ts'

/** A verified callback that may be new. */
export type NewCallback = {
  callbackId: string
  psp: string
  account: string
  /** What may be a card number is masked. */
  body: Buffer
  isMasked: boolean
  /** Milliseconds since the epoch; null if the PSP signs no time. */
  signedAt: number | null
  facts: readonly CallbackFact[]
}

/** What became of a callback that arrived. */
export type StoredCallback = {
  /** None of its facts was new. */
  isDuplicate: boolean
  /** Some of its new facts are to be applied. */
  isDue: boolean
  /** Its new facts that repeat an approval. */
  repeats: readonly CallbackFact[]
}

/**
 * Stores callbacks that have a fact which is new, with those of their facts that are new, and
 * commits. `repeats` are facts that change nothing, with their payments. What another instance is
 * storing is waited for, so that the answer of either one holds.
 */
export async function storeCallbacks(
  db: Db,
  callbacks: readonly NewCallback[],
  repeats: ReadonlyMap<CallbackFact, string> = new Map(),
): Promise<StoredCallback[]> {
  const facts = callbacks.flatMap(({ callbackId, psp, account, facts: all }) =>
    all.map((fact, position) => ({ callbackId, psp, account, fact, position })),
  )
  const paymentOf = ({ fact }: { fact: CallbackFact }): string | null => repeats.get(fact) ?? null
  // Sorted, so that two instances cannot deadlock; the first of two with one key counts.
  const statement = sql`
    WITH new_facts AS (
      INSERT INTO callback_facts (psp, psp_account, key, callback_id, position, fact, payment_id,
        state, due_at, applied_at)
      SELECT psp, psp_account, key, callback_id, position, fact::jsonb, repeated,
        CASE WHEN repeated IS NULL THEN 'RECEIVED' ELSE 'NO_CHANGE' END,
        CASE WHEN repeated IS NULL THEN statement_timestamp() END,
        CASE WHEN repeated IS NOT NULL THEN statement_timestamp() END
      FROM unnest(
        ${textArray(facts, (it) => it.psp)}::text[],
        ${textArray(facts, (it) => it.account)}::text[],
        ${textArray(facts, (it) => it.fact.key)}::text[],
        ${uuidArray(facts, (it) => it.callbackId)}::uuid[],
        ${intArray(facts, (it) => it.position)}::int[],
        ${textArray(facts, (it) => factText(it.fact))}::text[],
        ${uuidArray(facts, paymentOf)}::uuid[]
      ) WITH ORDINALITY AS f(psp, psp_account, key, callback_id, position, fact, repeated, place)
      ORDER BY psp, psp_account, key, place
      ON CONFLICT DO NOTHING
      RETURNING callback_id, position, state
    ), stored AS (
      INSERT INTO callbacks (callback_id, psp, psp_account, body, is_masked, signed_at, state,
        finished_at)
      SELECT callback_id, psp, psp_account, body, is_masked, signed_at,
        CASE WHEN is_due THEN 'RECEIVED' ELSE 'NO_CHANGE' END,
        CASE WHEN NOT is_due THEN statement_timestamp() END
      FROM unnest(
        ${uuidArray(callbacks, (it) => it.callbackId)}::uuid[],
        ${textArray(callbacks, (it) => it.psp)}::text[],
        ${textArray(callbacks, (it) => it.account)}::text[],
        ${byteaArray(callbacks, (it) => it.body)}::bytea[],
        ${callbacks.map((it) => it.isMasked)}::boolean[],
        ${callbacks.map((it) => isoTime(it.signedAt))}::timestamptz[]
      ) AS c(callback_id, psp, psp_account, body, is_masked, signed_at)
      JOIN (
        SELECT callback_id, bool_or(state = 'RECEIVED') AS is_due FROM new_facts
        GROUP BY callback_id
      ) AS n USING (callback_id)
    )
    SELECT callback_id, position, state = 'RECEIVED' AS is_due FROM new_facts`
  crashPoint('before', 'callbacks')
  const { rows } = await db.query<{ callback_id: string; position: number; is_due: boolean }>(
    named('store-callbacks', statement),
  )
  crashPoint('after', 'callbacks')
  const newFacts = Map.groupBy(rows, (row) => row.callback_id)
  return callbacks.map(({ callbackId, facts: all }) => {
    const own = newFacts.get(callbackId) ?? []
    const finished = own.filter((row) => !row.is_due)
    return {
      isDuplicate: own.length === 0,
      isDue: finished.length < own.length,
      repeats: finished.map(({ position }) => all[position]!),
    }
  })
}
