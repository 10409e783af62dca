import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'

type Reported = { psp: string; account: string; fact: CallbackFact }
type Row = { place: number; payment_id: string | null; amount_minor: bigint; currency: string }

/** What the first report of a return stated, and the payment that it was matched with. */
export type KnownReturn = { paymentId: string | null; amountMinor: bigint; currency: string }

/**
 * Finds what was applied of returns that facts report again, under other keys. `matches` are the
 * payments of the facts, whose locks make reports of one return follow each other.
 */
export async function findKnownReturns<T extends Reported>(
  tx: Tx,
  reported: readonly T[],
  matches: readonly { paymentId: string | null }[],
): Promise<ReadonlyMap<T, KnownReturn>> {
  const returns = reported.flatMap((it, index) => {
    const { state, itsId } = it.fact
    if (state !== 'returned' || itsId === null) return []
    return [{ reported: it, itsId, paymentId: matches[index]!.paymentId }]
  })
  if (returns.length === 0) return new Map()
  const statement = sql`
    WITH reported AS (
      SELECT * FROM unnest(
        ${textArray(returns, (it) => it.reported.psp)}::text[],
        ${textArray(returns, (it) => it.reported.account)}::text[],
        ${textArray(returns, (it) => it.itsId)}::text[],
        ${uuidArray(returns, (it) => it.paymentId)}::uuid[]
      ) WITH ORDINALITY AS r(psp, psp_account, its_id, payment_id, place)
    ), known AS (
      SELECT r.place, f.* FROM reported r JOIN callback_facts f ON f.payment_id = r.payment_id
        AND f.psp = r.psp AND f.psp_account = r.psp_account AND f.fact->>'itsId' = r.its_id
      UNION ALL
      SELECT r.place, f.* FROM reported r JOIN callback_facts f ON f.psp = r.psp
        AND f.psp_account = r.psp_account AND f.fact->>'itsId' = r.its_id
        AND f.cause = 'payment_unknown'
    )
    SELECT place::int, payment_id, (fact->>'amountMinor')::bigint AS amount_minor,
      fact->>'currency' AS currency
    FROM known WHERE state = 'APPLIED' AND fact->>'kind' = 'return'`
  const { rows } = await tx.query<Row>(named('find-known-returns', statement))
  return new Map(
    rows.map((row) => [
      returns[row.place - 1]!.reported,
      { paymentId: row.payment_id, amountMinor: row.amount_minor, currency: row.currency },
    ]),
  )
}
