import type { Db } from '@caudal/postgres/types.ts'
import type { Check, CheckInput } from './check.ts'
import { collectFindings, type Finding, joinFindings } from './findings.ts'

/** The services that publish events. */
export const PUBLISHERS = ['payments', 'wallets', 'processor', 'identity'] as const
/** The services that consume events. */
export const CONSUMERS = ['payments', 'wallets', 'processor', 'orders', 'notifications'] as const

/** F3: every event was published from its outbox. A recent one may be on its way. */
export const outboxDrained: Check = {
  name: 'outbox_drained',
  needs: [],
  run: (input) =>
    countEach(input, PUBLISHERS, 'unpublished events', (db) =>
      db.query<Counts>(
        `SELECT (SELECT count(*) FROM outbox) AS checked, count(*) AS open,
           min(created_at) AS oldest_at
         FROM outbox_unpublished`,
      ),
    ),
}

/** F5: no record is parked. */
export const nothingParked: Check = {
  name: 'nothing_parked',
  needs: [],
  run: (input) =>
    countEach(input, CONSUMERS, 'parked records', (db) =>
      db.query<Counts>(
        `SELECT count(*) AS checked, count(*) FILTER (WHERE resolved_at IS NULL) AS open,
           NULL AS oldest_at
         FROM parked_records`,
      ),
    ),
}

type Counts = { checked: bigint; open: bigint; oldest_at: Date | null }

async function countEach(
  input: CheckInput,
  names: readonly (keyof CheckInput)[],
  what: string,
  count: (db: Db) => Promise<{ rows: Counts[] }>,
): Promise<Finding> {
  const findings: Finding[] = []
  for (const name of names) {
    const db = input[name] as Db | undefined
    if (db === undefined) continue
    const { rows } = await count(db)
    const { checked, open, oldest_at: oldestAt } = rows[0]!
    const collector = collectFindings(input.recentFrom)
    if (open > 0n) collector.add(`${name} has ${open} ${what}`, oldestAt)
    findings.push(collector.finding(Number(checked)))
  }
  return joinFindings({ checked: 0, violations: [], violation_count: 0 }, ...findings)
}
