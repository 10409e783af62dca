import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { insertCompleteTransfers, insertMissingOpenings } from './store/insert-complete-events.ts'

const ROWS_AT_ONCE = 5_000n

/**
 * Emits again, complete, the events of wallets.ledger that release 0.1.0 wrote without entries, and
 * openings that it did not report, so that the log is enough to rebuild the ledger (ADR 0022).
 * Reads each row of the outbox once, at the start of a process; returns how many were emitted.
 */
export async function completeOldEvents(deps: { db: Db; region: string }): Promise<number> {
  const { db, region } = deps
  let emitted = 0
  for (;;) {
    const step = await transaction(db, (tx) => completeNext(tx, region))
    if (step === null) return emitted
    emitted += step
  }
}

/** The next part of the outbox in one transaction with its place; null if there is no more. */
async function completeNext(tx: Tx, region: string): Promise<number | null> {
  const { rows } = await tx.query<{ after: bigint; first: bigint; last: bigint; found: boolean }>(
    `SELECT p.read_to AS after, coalesce((SELECT min(id) FROM outbox WHERE id > p.read_to), 0)
       AS first, coalesce((SELECT max(id) FROM outbox), 0) AS last,
       EXISTS (SELECT FROM accounts) AS found
     FROM completed_events p FOR UPDATE`,
  )
  const { after, first, last, found } = rows[0]!
  const opened = after === 0n && found ? await insertMissingOpenings(tx, region) : 0
  if (first === 0n) return null
  const to = first + ROWS_AT_ONCE < last ? first + ROWS_AT_ONCE : last
  const emitted = await insertCompleteTransfers(tx, { after: first - 1n, to }, region)
  if (emitted > 0 && after > 0n) await insertMissingOpenings(tx, region)
  await tx.query('UPDATE completed_events SET read_to = $1', [to])
  return opened + emitted
}
