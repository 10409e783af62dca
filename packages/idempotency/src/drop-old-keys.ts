import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'

/** Keys are remembered for so many days at least, whatever is configured (F2). */
export const KEEP_DAYS_AT_LEAST = 30

const KEYS_AT_ONCE = 5_000
const PAUSE_MS = 60 * 60 * 1000

/**
 * Deletes idempotency keys older than `keepDays` in batches; returns how many it deleted. The
 * database function `drop_old_idempotency_keys` keeps those of the last 30 days in any case.
 */
export async function dropOldKeys(db: Db, keepDays: number): Promise<number> {
  let total = 0
  for (;;) {
    const { rows } = await db.query<{ dropped: number }>(
      'SELECT drop_old_idempotency_keys($1, $2) AS dropped',
      [keepDays, KEYS_AT_ONCE],
    )
    const { dropped } = rows[0]!
    total += dropped
    if (dropped < KEYS_AT_ONCE) return total
  }
}

/** Drops old keys at once and every hour. */
export function dropKeysPeriodically(deps: {
  db: Db
  logger: Logger
  keepDays: number
}): PeriodicWork {
  const { db, logger, keepDays } = deps
  return runPeriodically({
    pauseMs: PAUSE_MS,
    work: async () => void (await dropOldKeys(db, keepDays)),
    onFault: (error) => logger.error({ err: error }, 'could not drop old idempotency keys'),
  })
}
