import type { Tx } from '@caudal/postgres/types.ts'
import type { Hold } from '../domain/hold.ts'

/** Puts new holds that are to expire in the queue of those; most are not. */
export async function saveHoldExpiries(tx: Tx, newHolds: readonly Hold[]): Promise<void> {
  const expiring = newHolds.filter((it) => it.expiresAtMs !== null && it.status === 'open')
  if (expiring.length === 0) return
  await tx.query({
    name: 'save-hold-expiries',
    text: `INSERT INTO hold_expiries (hold_id, expires_at)
           SELECT unnest($1::uuid[]), unnest($2::timestamptz[])`,
    values: [expiring.map((it) => it.holdId), expiring.map((it) => new Date(it.expiresAtMs!))],
  })
}
