import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { findStranded } from '../store/find-stranded.ts'

const PAUSE_MS = 60_000

export type ReportStrandedDeps = {
  db: Db
  /** The names of the PSPs that are configured. */
  psps: readonly string[]
  logger: Logger
}

/** Reports operations of PSPs that are not configured any more: at once and every minute. */
export function reportStranded({ db, psps, logger }: ReportStrandedDeps): PeriodicWork {
  return runPeriodically({
    pauseMs: PAUSE_MS,
    async work() {
      for (const { psp, count } of await findStranded(db, psps)) {
        const what = 'operations wait for a PSP that is not configured: an operator must act'
        logger.error({ psp, count }, what)
      }
    },
    onFault: (err) => logger.error({ err }, 'could not look for operations of unknown PSPs'),
  })
}
