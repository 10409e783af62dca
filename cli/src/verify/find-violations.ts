import type { Db } from '@caudal/postgres/types.ts'
import type { Finding } from './check.ts'

/**
 * Runs a check that is statements: how many things there are, and those that have a sentence for
 * each that is wrong.
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
