import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from '@caudal/postgres/types.ts'

const DRAIN_TIMEOUT_MS = 60_000
const POLL_MS = 10

/** Resolves when the relay has published the whole outbox. */
export async function waitUntilDrained(owner: Db): Promise<void> {
  for (const deadline = Date.now() + DRAIN_TIMEOUT_MS; ; await delay(POLL_MS)) {
    const { rows } = await owner.query<{ waiting: boolean }>(
      'SELECT EXISTS (SELECT 1 FROM outbox_unpublished) AS waiting',
    )
    if (!rows[0]!.waiting) return
    assert(Date.now() < deadline, 'the outbox was not drained in time')
  }
}

/** The number of posted transfers by kind. */
export async function countPostedTransfers(owner: Db): Promise<Map<string, number>> {
  const { rows } = await owner.query<{ kind: string; transfers: bigint }>(
    `SELECT kind, count(*) AS transfers FROM transfers GROUP BY kind`,
  )
  return new Map(rows.map(({ kind, transfers }) => [kind, Number(transfers)]))
}

/** Asserts that every balance is the sum of its entries and that all entries sum to zero. */
export async function checkBalances(owner: Db): Promise<void> {
  const { rows } = await owner.query<{ account_id: string }>(
    `SELECT account_id FROM accounts a FULL JOIN (
       SELECT account_id,
         coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
         coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held
       FROM entries GROUP BY account_id
     ) e USING (account_id)
     WHERE available_minor IS DISTINCT FROM coalesce(available, 0)
       OR held_minor IS DISTINCT FROM coalesce(held, 0)
     LIMIT 3`,
  )
  assert.deepEqual(rows, [], 'the balances of these accounts are not the sums of their entries')
  const { rows: sums } = await owner.query<{ sum: string | null }>(
    'SELECT sum(amount_minor) FROM entries',
  )
  assert.equal(Number(sums[0]!.sum ?? 0), 0, 'the entries do not sum to zero')
}
