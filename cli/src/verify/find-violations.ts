import type { Db } from '@caudal/postgres/types.ts'
import { type Finding, joinFindings, LISTED } from './findings.ts'

/**
 * Runs a check in SQL: `counting` counts the checked items, and each of `finding` returns a message
 * per violation. The database keeps the list; only the first messages and a count come here. One
 * statement runs at a time, so that several checks can run at once, and on a single connection
 * too.
 */
export async function findViolations(
  db: Db,
  counting: string,
  ...finding: readonly string[]
): Promise<Finding> {
  const { rows } = await db.query<{ checked: bigint }>(counting)
  const found: Finding[] = []
  for (const statement of finding) found.push(await listViolations(db, statement))
  const checked = Number(rows[0]!.checked)
  return joinFindings({ checked, violations: [], violation_count: 0 }, ...found)
}

/** Lists the violations that a statement finds: a message a row. */
export async function listViolations(db: Db, statement: string): Promise<Finding> {
  const { rows } = await db.query<{ violation: string; total: bigint }>(
    `WITH found AS (${statement})
     SELECT violation, count(*) OVER () AS total FROM found LIMIT ${LISTED}`,
  )
  return {
    checked: 0,
    violations: rows.map(({ violation }) => violation),
    violation_count: Number(rows[0]?.total ?? 0),
  }
}
