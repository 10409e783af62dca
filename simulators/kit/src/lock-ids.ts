import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'

/**
 * Locks ids until the transaction ends, whether there are rows of them or not, so that two
 * transactions do not decide about the same one at once. Locks are taken in the order of their
 * numbers, so two batches cannot deadlock.
 */
export async function lockIds(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query(sql`
    SELECT pg_advisory_xact_lock(number)
    FROM (
      SELECT DISTINCT hashtextextended(id::text, 0) AS number
      FROM unnest(${uuidArray(ids, (id) => id)}::uuid[]) AS id
      ORDER BY number
    ) AS numbers`)
}
