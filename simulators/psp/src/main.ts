import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { checkDatabase } from '@caudal/postgres/check-database.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { openBehaviourStore } from '@caudal/simulator-kit/behaviour-store.ts'
import { addBehaviourRoutes } from '@caudal/simulator-kit/http/behaviour-routes.ts'
import { addCallbackList } from '@caudal/simulator-kit/http/callback-routes.ts'
import { addMovementRoutes } from '@caudal/simulator-kit/http/movement-routes.ts'
import { createPendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { createConsole } from './console.ts'
import type { MovementRequest } from './domain/movement.ts'
import { addAdminRoutes } from './http/admin-routes.ts'
import { addMoneyBackRoutes } from './http/money-back-routes.ts'
import { addPaymentFastPath } from './http/payment-fast-path.ts'
import { addPaymentRoutes } from './http/payment-routes.ts'
import { pspMigrations } from './migrations.ts'
import { type IncomingPayment, processBatch, type ProcessedPayment } from './process-batch.ts'
import { processMovements, type ProcessedMovement } from './process-movements.ts'
import { openSignedCallbacks } from './signed-callbacks.ts'
import { listMovements } from './store/list-movements.ts'

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
  observePending(metrics, pending)
  const callbacks = await openSignedCallbacks({ db, fallback: config.callbacks, logger })
  const batcher = createBatcher<IncomingPayment, ProcessedPayment>({
    process: (incoming) => processBatch({ db, callbacks }, incoming),
    onBatch: observeBatches(metrics),
  })
  const movements = createBatcher<MovementRequest, ProcessedMovement>({
    process: async (incoming) => {
      const { chooser } = behaviours
      const processed = await processMovements({ db, chooser, callbacks }, incoming)
      callbacks.wake()
      return processed
    },
  })
  const readiness = async () => {
    await db.query('SELECT 1')
    return { database: { status: 'ok' as const } }
  }
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  const common = { db, behaviours, callbacks, pending, logger }
  const cursors = await openCursors(db)
  addPaymentRoutes(app, { ...common, batcher })
  addMoneyBackRoutes(app, { ...common, movements })
  addAdminRoutes(app, { db, cursors })
  addMovementRoutes(app, {
    cursors,
    list: (kind, filter) => listMovements(db, kind, filter),
    ...createConsole({ db, movements }),
  })
  addBehaviourRoutes(app, behaviours)
  callbacks.addRoutes(app)
  addCallbackList(app, { db, cursors })
  addPaymentFastPath(app, { ...common, batcher, metrics })
  const url = await listen(app, config)
  logger.info({ url }, 'the PSP simulator is listening')
  return {
    name: NAME,
    url,
    async stop() {
      pending.release()
      await callbacks.stop()
      await closeServer(app)
      await batcher.drain()
      await movements.drain()
      await db.end()
    },
  }
}

function observeBatches(metrics: Metrics): (size: number) => void {
  const sizes = metrics.histogram(
    'psp_batch_size',
    'Payment requests per batch.',
    [],
    BATCH_BUCKETS,
  )
  return (size) => sizes.observe(size)
}

function observePending(metrics: Metrics, pending: { held: number }): void {
  metrics.gauge('psp_held_connections', 'Connections held open without a response.', [], (gauge) =>
    gauge.set(pending.held),
  )
}
