import type { Db } from '@caudal/postgres/types.ts'
import type { Finding } from './check.ts'

/**
 * Runs a check in SQL: `counting` counts the checked items, and each of `finding` returns a message
 * per violation.
 */
export async function findViolations(
  db: Db,
  counting: string,
  ...finding: readonly string[]
): Promise<Finding> {
  const [counted, ...found] = await Promise.all([
    db.query<{ checked: bigint }>(counting),
    ...finding.map((statement) => db.query<{ violation: string }>(statement)),
  ])
  return {
    checked: Number(counted.rows[0]!.checked),
    violations: found.flatMap(({ rows }) => rows.map((row) => row.violation)),
  }
}
