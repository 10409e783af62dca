import type { Tx } from '@caudal/postgres/types.ts'

/** The database's clock, read once per batch (rule 13); milliseconds of Unix time. */
export async function readClock(tx: Tx): Promise<number> {
  const { rows } = await tx.query<{ now: Date }>({
    name: 'read-clock',
    text: 'SELECT statement_timestamp() AS now',
  })
  return rows[0]!.now.getTime()
}
