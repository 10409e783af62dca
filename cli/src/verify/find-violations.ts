import type { Db } from '@caudal/postgres/types.ts'
import type { Finding } from './check.ts'

/** Runs a check that is two statements: how many things there are, a sentence for each wrong. */
export async function findViolations(db: Db, counting: string, finding: string): Promise<Finding> {
  const [counted, found] = await Promise.all([
    db.query<{ checked: bigint }>(counting),
    db.query<{ violation: string }>(finding),
  ])
  return {
    checked: Number(counted.rows[0]!.checked),
    violations: found.rows.map((row) => row.violation),
  }
}
