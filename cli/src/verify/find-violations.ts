import type { Db } from '@caudal/postgres/types.ts'
import { type Finding, joinFindings, LISTED } from './findings.ts'

/**
 * Runs a check in SQL: `counting` counts the checked items, and each of `finding` returns a message
 * per violation. The database keeps the list; only the first messages and a count come here.
 */
export async function findViolations(
  db: Db,
  counting: string,
  ...finding: readonly string[]
): Promise<Finding> {
  const [counted, ...found] = await Promise.all([
    db.query<{ checked: bigint }>(counting),
    ...finding.map((statement) => listViolations(db, statement)),
  ])
  const checked = Number(counted.rows[0]!.checked)
  return joinFindings({ checked, violations: [], violation_count: 0 }, ...found)
}

async function listViolations(db: Db, statement: string): Promise<Finding> {
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
