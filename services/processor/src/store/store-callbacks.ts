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

/**
 * Stores callbacks that have a fact which is new, with those of their facts that are new, and
 * commits. Returns for each whether it was stored. What another instance is storing is waited for,
 * so that the answer of either one holds.
 */
export async function storeCallbacks(
  db: Db,
  callbacks: readonly NewCallback[],
): Promise<boolean[]> {
  const facts = callbacks.flatMap(({ callbackId, psp, account, facts: all }) =>
    all.map((fact, position) => ({ callbackId, psp, account, fact, position })),
  )
  // Sorted, so that two instances cannot deadlock; the first of two with one key counts.
  const statement = sql`
    WITH new_facts AS (
      INSERT INTO callback_facts (psp, psp_account, key, callback_id, position, fact)
      SELECT psp, psp_account, key, callback_id, position, fact::jsonb
      FROM unnest(
        ${textArray(facts, (it) => it.psp)}::text[],
        ${textArray(facts, (it) => it.account)}::text[],
        ${textArray(facts, (it) => it.fact.key)}::text[],
        ${uuidArray(facts, (it) => it.callbackId)}::uuid[],
        ${intArray(facts, (it) => it.position)}::int[],
        ${textArray(facts, (it) => factText(it.fact))}::text[]
      ) WITH ORDINALITY AS f(psp, psp_account, key, callback_id, position, fact, place)
      ORDER BY psp, psp_account, key, place
      ON CONFLICT DO NOTHING
      RETURNING callback_id
    )
    INSERT INTO callbacks (callback_id, psp, psp_account, body, is_masked, signed_at)
    SELECT callback_id, psp, psp_account, body, is_masked, signed_at
    FROM unnest(
      ${uuidArray(callbacks, (it) => it.callbackId)}::uuid[],
      ${textArray(callbacks, (it) => it.psp)}::text[],
      ${textArray(callbacks, (it) => it.account)}::text[],
      ${byteaArray(callbacks, (it) => it.body)}::bytea[],
      ${callbacks.map((it) => it.isMasked)}::boolean[],
      ${callbacks.map((it) => isoTime(it.signedAt))}::timestamptz[]
    ) AS c(callback_id, psp, psp_account, body, is_masked, signed_at)
    WHERE callback_id IN (SELECT callback_id FROM new_facts)
    RETURNING callback_id`
  const { rows } = await db.query<{ callback_id: string }>(named('store-callbacks', statement))
  const stored = new Set(rows.map((row) => row.callback_id))
  return callbacks.map(({ callbackId }) => stored.has(callbackId))
}
