import type { Db } from '@caudal/postgres/types.ts'
import type { Check, Evidence, Finding } from './check.ts'

/** The databases that publish, and those that consume. */
export const PUBLISHERS = ['payments', 'wallets', 'processor', 'identity'] as const
export const CONSUMERS = ['payments', 'wallets', 'processor', 'orders', 'notifications'] as const

/** F3: every event has left its outbox. */
export const outboxDrained: Check = {
  name: 'outbox_drained',
  needs: [],
  run: (evidence) =>
    countEach(evidence, PUBLISHERS, 'unpublished events', (db) =>
      db.query<{ checked: bigint; open: bigint }>(
        `SELECT (SELECT count(*) FROM outbox) AS checked,
           (SELECT count(*) FROM outbox_unpublished) AS open`,
      ),
    ),
}

/** F5: no record waits aside for its predecessor or for a person. */
export const nothingParked: Check = {
  name: 'nothing_parked',
  needs: [],
  run: (evidence) =>
    countEach(evidence, CONSUMERS, 'parked records', (db) =>
      db.query<{ checked: bigint; open: bigint }>(
        `SELECT count(*) AS checked, count(*) FILTER (WHERE resolved_at IS NULL) AS open
         FROM parked_records`,
      ),
    ),
}

async function countEach(
  evidence: Evidence,
  names: readonly (keyof Evidence)[],
  what: string,
  count: (db: Db) => Promise<{ rows: { checked: bigint; open: bigint }[] }>,
): Promise<Finding> {
  const violations: string[] = []
  let checked = 0
  for (const name of names) {
    const db = evidence[name] as Db | undefined
    if (db === undefined) continue
    const { rows } = await count(db)
    const { checked: seen, open } = rows[0]!
    checked += Number(seen)
    if (open > 0n) violations.push(`${name} has ${open} ${what}`)
  }
  return { checked, violations }
}
