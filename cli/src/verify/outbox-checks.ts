import type { Db } from '@caudal/postgres/types.ts'
import type { Check, CheckInput, Finding } from './check.ts'

/** The services that publish events. */
export const PUBLISHERS = ['payments', 'wallets', 'processor', 'identity'] as const
/** The services that consume events. */
export const CONSUMERS = ['payments', 'wallets', 'processor', 'orders', 'notifications'] as const

/** F3: every event was published from its outbox. */
export const outboxDrained: Check = {
  name: 'outbox_drained',
  needs: [],
  run: (input) =>
    countEach(input, PUBLISHERS, 'unpublished events', (db) =>
      db.query<{ checked: bigint; open: bigint }>(
        `SELECT (SELECT count(*) FROM outbox) AS checked,
           (SELECT count(*) FROM outbox_unpublished) AS open`,
      ),
    ),
}

/** F5: no record is parked. */
export const nothingParked: Check = {
  name: 'nothing_parked',
  needs: [],
  run: (input) =>
    countEach(input, CONSUMERS, 'parked records', (db) =>
      db.query<{ checked: bigint; open: bigint }>(
        `SELECT count(*) AS checked, count(*) FILTER (WHERE resolved_at IS NULL) AS open
         FROM parked_records`,
      ),
    ),
}

async function countEach(
  input: CheckInput,
  names: readonly (keyof CheckInput)[],
  what: string,
  count: (db: Db) => Promise<{ rows: { checked: bigint; open: bigint }[] }>,
): Promise<Finding> {
  const violations: string[] = []
  let checked = 0
  for (const name of names) {
    const db = input[name] as Db | undefined
    if (db === undefined) continue
    const { rows } = await count(db)
    const { checked: seen, open } = rows[0]!
    checked += Number(seen)
    if (open > 0n) violations.push(`${name} has ${open} ${what}`)
  }
  return { checked, violations }
}
