import type { Db } from '@caudal/postgres/types.ts'
import type { CheckInput } from '../check.ts'
import { collectFindings, type Finding } from '../findings.ts'
import { FIRST_ID } from '../sorted-reader.ts'

type LateCapture = {
  payment_id: string
  late_capture: 'RECOVERED' | 'SUSPENDED' | 'REFUNDING'
  updated_at: Date
  is_explained: boolean
  has_refund: boolean
}

const PAGE = 1_000

const DECIDED = `
  SELECT payment_id, late_capture, updated_at,
    EXISTS (SELECT FROM cases c
      WHERE c.subject_id = p.payment_id AND c.reason = 'success_after_failure')
    OR p.amount_minor <= (SELECT sum(amount_minor) FROM (
      SELECT amount_minor, currency, suspended_for FROM returns r
      WHERE r.payment_id = p.payment_id
      UNION ALL
      SELECT amount_minor, currency, suspended_for FROM found_refunds f
      WHERE f.payment_id = p.payment_id
    ) AS back WHERE suspended_for IS NOT NULL AND back.currency = p.currency) AS is_explained,
    EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.payment_id AND r.origin = 'late_capture')
      AS has_refund
  FROM payments p
  WHERE payment_id > $1 AND late_capture IN ('RECOVERED', 'SUSPENDED', 'REFUNDING')
  ORDER BY payment_id LIMIT $2`

/**
 * Finds successes after a failure whose money is not accounted for: it is booked once, at the
 * wallet or in suspense, and what is in suspense has a case, is on its way back, or is paid by
 * money of the payment that came back before (which has cases of its own).
 */
export async function findLostCaptures(input: CheckInput): Promise<Finding> {
  const { payments, wallets, recentFrom } = input
  const { add, finding } = collectFindings(recentFrom)
  if (wallets === undefined) return finding(0)
  for (let last = FIRST_ID; ;) {
    const { rows } = await payments.query<LateCapture>(DECIDED, [last, PAGE])
    if (rows.length === 0) return finding(0)
    last = rows.at(-1)!.payment_id
    const ends = await endsOf(wallets, rows)
    for (const { payment_id: id, late_capture: late, updated_at: at, ...it } of rows) {
      const booked = ends.get(id) ?? []
      const name = `payment ${id} succeeded after its failure (${late})`
      if (booked.length !== 1) add(`${name}, and was booked ${booked.length} times`, at)
      else if ((booked[0] === 'wallet') !== (late === 'RECOVERED')) {
        add(`${name}, but was booked to ${booked[0]}`, at)
      }
      if (late === 'SUSPENDED' && !it.is_explained) add(`${name}, but has no case`, at)
      if (late === 'REFUNDING' && !it.has_refund) add(`${name}, but has no refund`, at)
    }
  }
}

/** The ends of what the ledger booked for late successes, by payment. */
async function endsOf(wallets: Db, rows: readonly LateCapture[]): Promise<Map<string, string[]>> {
  const { rows: found } = await wallets.query<{ payment_id: string; ends: string[] }>(
    `SELECT payment_id, array_agg(other_end) AS ends FROM psp_postings
     WHERE payment_id = ANY($1::uuid[]) AND kind = 'recapture' AND source_type = 'payment'
     GROUP BY payment_id`,
    [rows.map((row) => row.payment_id)],
  )
  return new Map(found.map(({ payment_id: id, ends }) => [id, ends]))
}
