import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { checkDatabase } from '@caudal/postgres/check-database.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { openBehaviourStore } from './behaviour-store.ts'
import type { Config } from './config.ts'
import { addAdminRoutes } from './http/admin-routes.ts'
import { addPaymentFastPath } from './http/payment-fast-path.ts'
import { addPaymentRoutes } from './http/payment-routes.ts'
import { createPendingResponses } from './http/pending-responses.ts'
import { pspMigrations } from './migrations.ts'
import { type IncomingPayment, processBatch, type ProcessedPayment } from './process-batch.ts'

const NAME = 'psp'
// Batches run one at a time; the other connections serve lists and status queries.
const MAX_CONNECTIONS = 4
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500]

/** Starts the simulated bank. */
export async function start(
  config: Config,
  logger: Logger = createLogger({ service: NAME, level: config.logLevel, region: config.region }),
): Promise<RunningService> {
  const { databaseUrl, refuseOwner } = config
  const metrics = createMetrics(NAME, { prefix: config.metricsPrefix, logger })
  const db = createPool({
    url: databaseUrl,
    metrics,
    applicationName: NAME,
    max: MAX_CONNECTIONS,
    onError: (error) => logger.warn({ err: error }, 'lost a database connection'),
  })
  try {
    const sets = pspMigrations
    await checkDatabase(db, { sets, refuseOwner, warn: (sentence) => logger.warn(sentence) })
    return await serve(config, { db, logger, metrics })
  } catch (error) {
    await db.end()
    throw error
  }
}

async function serve(
  config: Config,
  { db, logger, metrics }: { db: Db; logger: Logger; metrics: Metrics },
): Promise<RunningService> {
  const behaviours = await openBehaviourStore(db, config.behaviour)
  const pending = createPendingResponses()
  const batchSizes = metrics.histogram(
    'psp_batch_size',
    'Payment requests per batch.',
    [],
    BATCH_BUCKETS,
  )
  metrics.gauge('psp_held_connections', 'Connections held open without a response.', [], (gauge) =>
    gauge.set(pending.held),
  )
  const batcher = createBatcher<IncomingPayment, ProcessedPayment>({
    process: (incoming) => processBatch(db, incoming),
    onBatch: (size) => batchSizes.observe(size),
  })
  const readiness = async () => {
    await db.query('SELECT 1')
    return { database: { status: 'ok' as const } }
  }
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addPaymentRoutes(app, { db, batcher, behaviours, pending, logger })
  addAdminRoutes(app, { db, behaviours, cursors: await openCursors(db) })
  addPaymentFastPath(app, { db, batcher, behaviours, pending, logger, metrics })
  const url = await listen(app, config)
  logger.info({ url }, 'the PSP simulator is listening')
  return {
    name: NAME,
    url,
    async stop() {
      pending.release()
      await closeServer(app)
      await batcher.drain()
      await db.end()
    },
  }
}
