import type { Tx } from './types.ts'

/**
 * The database's clock as this statement runs (rule 13), for a batch that locks nothing before it
 * decides. Where a statement locks rows, it reads the clock itself, after the locks.
 */
export async function readClock(tx: Tx): Promise<Date> {
  const { rows } = await tx.query<{ now: Date }>({
    name: 'read-clock',
    text: 'SELECT clock_timestamp() AS now',
  })
  return rows[0]!.now
}
