import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { checkDatabase } from '@caudal/postgres/check-database.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createPendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { createAcceptPush } from './accept-push.ts'
import { startApns } from './apns/start-apns.ts'
import { openBehaviourStore } from './behaviour-store.ts'
import type { Config } from './config.ts'
import type { IncomingPush } from './domain/plan-pushes.ts'
import type { SimulatedOutcome } from './domain/push.ts'
import { addAdminRoutes } from './http/admin-routes.ts'
import { addFcmRoutes } from './http/fcm-routes.ts'
import { addTokenRoute } from './http/token-route.ts'
import { pushMigrations } from './migrations.ts'
import { processBatch } from './process-batch.ts'

const NAME = 'push'
// Batches run one at a time; the other connections serve lists.
const MAX_CONNECTIONS = 4

/** The running simulator: FCM and the admin interface at `url`, APNs at `apnsUrl`. */
export interface RunningPush extends RunningService {
  apnsUrl: string
}

/** Starts the simulated push services. */
export async function start(
  config: Config,
  logger: Logger = createLogger({ service: NAME, level: config.logLevel, region: config.region }),
): Promise<RunningPush> {
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
    const sets = pushMigrations
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
): Promise<RunningPush> {
  const behaviours = await openBehaviourStore(db)
  const cursors = await openCursors(db)
  const delays = createPendingResponses()
  const batcher = createBatcher<IncomingPush, SimulatedOutcome>({
    process: (incoming) => processBatch(db, incoming),
  })
  const acceptPush = createAcceptPush({ batcher, behaviours, delays, logger, metrics })
  const readiness = async () => {
    await db.query('SELECT 1')
    return { database: { status: 'ok' as const } }
  }
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addFcmRoutes(app, { acceptPush, logger })
  addTokenRoute(app)
  addAdminRoutes(app, { db, behaviours, cursors })
  const { host } = config
  const unregisteredSinceMs = () => behaviours.changedAtMs
  const apns = await startApns(
    { host, ...config.apns },
    { acceptPush, unregisteredSinceMs, logger },
  )
  const url = await listen(app, config).catch(async (error: unknown) => {
    await apns.stop()
    throw error
  })
  logger.info({ url, apns_url: apns.url }, 'the push simulator is listening')
  return {
    name: NAME,
    url,
    apnsUrl: apns.url,
    async stop() {
      delays.release()
      await Promise.all([closeServer(app), apns.stop()])
      await batcher.drain()
      await db.end()
    },
  }
}
