import type { Db } from '@caudal/postgres/types.ts'

/** Bookings always have a place for this long; readiness warns when it is less than a month. */
const MONTHS_AHEAD = 6

/** Creates the coming months' partitions; returns how long bookings have a place, in days. */
export async function createPartitions(db: Db): Promise<number> {
  const { rows } = await db.query<{ days: number }>(
    `SELECT create_ledger_partitions($1) - (now() AT TIME ZONE 'UTC')::date AS days`,
    [MONTHS_AHEAD],
  )
  return rows[0]!.days
}
