import type { Tx } from '@caudal/postgres/types.ts'

/**
 * Makes the partitions of a month, `YYYY-MM`, where `create_ledger_partitions` makes none any more:
 * in the past. For the owner of the tables.
 */
export async function createMonth(tx: Tx, month: string): Promise<void> {
  if (!/^\d{4}-\d{2}$/.test(month)) throw new TypeError(`${month} is no month`)
  const suffix = month.replace('-', '_')
  for (const parent of ['transfers', 'entries']) {
    await tx.query(
      `CREATE TABLE IF NOT EXISTS ${parent}_${suffix} PARTITION OF ${parent}
       FOR VALUES FROM ('${month}-01T00:00:00Z')
       TO (('${month}-01'::date + interval '1 month')::timestamp AT TIME ZONE 'UTC')`,
    )
  }
}
