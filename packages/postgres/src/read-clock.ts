import type { Reader } from './types.ts'

/**
 * The database's clock as this statement runs (rule 13), for what locks nothing before it decides.
 * Where a statement locks rows, it reads the clock itself, after the locks.
 */
export async function readClock(reader: Reader): Promise<Date> {
  const { rows } = await reader.query<{ now: Date }>({
    name: 'read-clock',
    text: 'SELECT clock_timestamp() AS now',
  })
  return rows[0]!.now
}
