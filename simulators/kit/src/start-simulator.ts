import type { ServiceSettings } from '@caudal/config/service-settings.ts'
import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { checkDatabase } from '@caudal/postgres/check-database.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import type { BehaviourSettings } from './behaviour-settings.ts'
import { type BehaviourStore, openBehaviourStore } from './behaviour-store.ts'
import { addBehaviourRoutes } from './http/behaviour-routes.ts'
import { addCallbackList } from './http/callback-routes.ts'
import { createPendingResponses, type PendingResponses } from './http/pending-responses.ts'

/** What every simulated bank is configured with. */
export interface SimulatorConfig extends ServiceSettings {
  databaseUrl: string
  /** Refuses a role that owns the tables (ADR 0030). */
  refuseOwner: boolean
  /** The behaviour until the first PUT /admin/behaviour. */
  behaviour: BehaviourSettings
}

/** What a bank builds its routes and its work on. */
export interface SimulatorBase {
  app: HttpServer
  db: Db
  behaviours: BehaviourStore
  pending: PendingResponses
  cursors: Cursors
  logger: Logger
  metrics: Metrics
}

/** The work of a bank beyond answering requests. */
export interface SimulatorWork {
  /** Ends what callers may wait for. */
  release(): Promise<void>
  /** Finishes what is in progress, once no request arrives any more. */
  drain(): Promise<void>
}

// Batches run one at a time; the other connections serve lists and status queries.
const MAX_CONNECTIONS = 4

/** Starts a simulated bank: `build` adds its routes and starts its work. */
export async function startSimulator(
  name: string,
  config: SimulatorConfig,
  options: {
    sets: readonly MigrationSet[]
    logger: Logger
    build: (base: SimulatorBase) => Promise<SimulatorWork>
  },
): Promise<RunningService> {
  const { sets, logger, build } = options
  const { databaseUrl, refuseOwner } = config
  const metrics = createMetrics(name, { prefix: config.metricsPrefix, logger })
  const db = createPool({
    url: databaseUrl,
    metrics,
    applicationName: name,
    max: MAX_CONNECTIONS,
    onError: (error) => logger.warn({ err: error }, 'lost a database connection'),
  })
  try {
    await checkDatabase(db, { sets, refuseOwner, warn: (sentence) => logger.warn(sentence) })
    return await serve(name, config, { db, logger, metrics, build })
  } catch (error) {
    await db.end()
    throw error
  }
}

async function serve(
  name: string,
  config: SimulatorConfig,
  deps: Pick<SimulatorBase, 'db' | 'logger' | 'metrics'> & {
    build: (base: SimulatorBase) => Promise<SimulatorWork>
  },
): Promise<RunningService> {
  const { db, logger, metrics, build } = deps
  const behaviours = await openBehaviourStore(db, config.behaviour)
  const pending = createPendingResponses()
  const held = 'Connections held open without a response.'
  metrics.gauge(`${name}_held_connections`, held, [], (gauge) => gauge.set(pending.held))
  const readiness = async () => {
    await db.query('SELECT 1')
    return { database: { status: 'ok' as const } }
  }
  const app = createServer({ name, logger, metrics, readiness, edge: config.edge })
  const cursors = await openCursors(db)
  addBehaviourRoutes(app, behaviours)
  addCallbackList(app, { db, cursors })
  const work = await build({ app, db, behaviours, pending, cursors, logger, metrics })
  const url = await listen(app, config)
  logger.info({ url }, `the ${name} simulator is listening`)
  return {
    name,
    url,
    async stop() {
      pending.release()
      await work.release()
      await closeServer(app)
      await work.drain()
      await db.end()
    },
  }
}
