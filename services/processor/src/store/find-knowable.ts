import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type CallbackFact, isUnnamed } from '../domain/callback-fact.ts'

type ReportedFact = { psp: string; callbackId: string; fact: CallbackFact }

/**
 * Finds the facts about nothing known that may be about something which becomes known: a payment
 * that was at the PSP when the fact came and has no id of the PSP yet, or money whose approval
 * waits to be applied.
 */
export async function findKnowable<T extends ReportedFact>(
  tx: Tx,
  reported: readonly T[],
): Promise<ReadonlySet<T>> {
  if (reported.length === 0) return new Set()
  const approvalOf = ({ fact: { state, itsId } }: T): string | null =>
    state === 'reversed' ? itsId : null
  // One scan of what is in flight serves the batch: at most some facts wait that need not have.
  const statement = sql`
    WITH unnamed AS MATERIALIZED (
      SELECT coalesce(psp, ${DEFAULT_PSP}) AS psp, currency,
        min(created_at) AS since, max(amount_minor) AS most
      FROM payments
      WHERE step IS NOT NULL AND attempt_number > 0
        AND gateway_response->>'gateway_transaction_id' IS NULL
      GROUP BY 1, 2
    )
    SELECT f.place::int FROM unnest(
      ${textArray(reported, (it) => it.psp)}::text[],
      ${uuidArray(reported, (it) => it.callbackId)}::uuid[],
      ${reported.map(({ fact }) => fact.amountMinor)}::bigint[],
      ${textArray(reported, ({ fact }) => fact.currency)}::text[],
      ${reported.map(({ fact }) => isUnnamed(fact))}::boolean[],
      ${textArray(reported, approvalOf)}::text[]
    ) WITH ORDINALITY AS f(psp, callback_id, amount_minor, currency, is_unnamed, approval, place)
    JOIN callbacks c USING (callback_id)
    WHERE f.is_unnamed AND EXISTS (
      SELECT FROM unnamed u
      WHERE u.psp = f.psp AND u.since <= c.received_at
        AND (f.currency IS NULL OR u.currency = f.currency)
        AND (f.amount_minor IS NULL OR u.most >= f.amount_minor)
    ) OR EXISTS (
      SELECT FROM callback_facts a
      WHERE a.state = 'RECEIVED' AND a.psp = f.psp AND a.fact->>'itsId' = f.approval
        AND a.fact->>'state' = 'approved'
    )`
  const { rows } = await tx.query<{ place: number }>(named('find-knowable', statement))
  return new Set(rows.map(({ place }) => reported[place - 1]!))
}
