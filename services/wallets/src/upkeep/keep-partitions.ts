import type { CheckResult } from '@caudal/http/health-routes.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { createPartitions } from './store/create-partitions.ts'

export interface PartitionKeeper {
  /** Warns in good time: without a partition for its day nothing can be booked. */
  check(): CheckResult
  stop(): Promise<void>
}

const EVERY_MS = 6 * 60 * 60 * 1000
const DAY_MS = 24 * 60 * 60 * 1000
const WARN_BELOW_DAYS = 31

/** Creates the months to come at the start and every few hours. */
export async function keepPartitions(deps: {
  db: Db
  logger: Logger
  metrics: Metrics
}): Promise<PartitionKeeper> {
  const { db, logger, metrics } = deps
  let coveredUntilMs = 0
  const daysLeft = (): number => Math.floor((coveredUntilMs - Date.now()) / DAY_MS)
  const create = async (): Promise<void> => {
    coveredUntilMs = Date.now() + (await createPartitions(db)) * DAY_MS
  }
  await create()
  const creating = runPeriodically({
    pauseMs: EVERY_MS,
    work: create,
    onFault: (err) => logger.error({ err }, 'could not create partitions of the ledger'),
  })
  metrics.gauge(
    'ledger_partitions_ahead_seconds',
    'Time for which bookings have a partition.',
    [],
    (gauge) => gauge.set(Math.max(0, coveredUntilMs - Date.now()) / 1_000),
  )
  return {
    check() {
      const days = daysLeft()
      const status = days >= WARN_BELOW_DAYS ? 'ok' : days > 0 ? 'warn' : 'fail'
      return { status, detail: `${days} days ahead` }
    },
    stop: () => creating.stop(),
  }
}
