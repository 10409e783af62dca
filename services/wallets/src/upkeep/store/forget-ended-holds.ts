import type { Tx } from '@caudal/postgres/types.ts'
import type { DueHold } from './claim-due-holds.ts'

/** Takes holds out of the queue that have ended, one way or another. */
export async function forgetEndedHolds(tx: Tx, due: readonly DueHold[]): Promise<void> {
  await tx.query({
    name: 'forget-ended-holds',
    text: `DELETE FROM hold_expiries e
           USING unnest($1::timestamptz[], $2::uuid[]) AS d(expires_at, hold_id), holds h
           WHERE e.expires_at = d.expires_at AND e.hold_id = d.hold_id
             AND h.hold_key = d.hold_id AND h.status <> 'open'`,
    values: [due.map((it) => it.expiresAt), due.map((it) => it.holdId)],
  })
}
