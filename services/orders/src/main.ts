import { TOPICS } from '@caudal/contracts/topics.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import { type EventLogConfig, openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createServer } from '@caudal/http/create-server.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TrustedIssuer } from '@caudal/http/token-verifier.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { createOrders } from './create-orders.ts'
import { addOrderRoutes } from './http/routes.ts'
import { orderMigrations } from './migrations.ts'
import { payOrders } from './pay-orders.ts'
import { findOrders } from './store/find-orders.ts'
import { listOrders } from './store/list-orders.ts'

const NAME = 'orders'

/** Starts the order service: pool, log, consumer, HTTP; `stop` takes them down in reverse. */
export async function start(
  config: Config,
  logger: Logger = loggerOf(config),
): Promise<RunningService> {
  if (config.migrationUrl !== undefined) await migrateOrders(config, config.migrationUrl)
  const metrics = createMetrics(NAME)
  const db = createPool({
    url: config.databaseUrl,
    applicationName: NAME,
    onError: (error) => logger.warn({ error }, 'a database connection broke'),
  })
  const log = await openEventLog(logConfig(config), logger)
  const topics = [TOPICS.paymentsFinalized]
  const process = payOrders
  const consumer = await consume({ log, db, group: NAME, topics, process, logger, metrics })
  const readiness = () => checkReadiness(db, consumer)
  const app = createServer({ name: NAME, logger, metrics, readiness })
  addOrderRoutes(app, {
    verifier: createTokenVerifier({ issuers: issuersOf(config) }),
    createOrders: (orders) => createOrders(db, orders),
    findOrders: (keys) => findOrders(db, keys),
    listOrders: (page) => listOrders(db, page),
  })
  const stop = async (): Promise<void> => {
    await closeServer(app)
    await consumer.stop()
    await log.close()
    await db.end()
  }
  try {
    return { name: NAME, url: await listen(app, config), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function migrateOrders({ database }: Config, adminUrl: string): Promise<void> {
  await migrate({ adminUrl, database, sets: orderMigrations })
}

function logConfig({ databaseUrl, logDatabaseUrl, migrationUrl }: Config): EventLogConfig {
  return {
    serverUrl: databaseUrl,
    url: logDatabaseUrl,
    ...(migrationUrl !== undefined && { migrationUrl }),
  }
}

/** Services come with identity's own tokens, people only through the gateway. */
function issuersOf(config: Config): TrustedIssuer[] {
  return [
    {
      issuer: config.identityIssuer,
      jwksUrl: config.identityJwksUrl,
      audience: 'caudal',
      kinds: ['service'],
    },
    {
      issuer: config.gatewayIssuer,
      jwksUrl: config.gatewayJwksUrl,
      audience: NAME,
      kinds: ['user'],
    },
  ]
}

async function checkReadiness(db: Db, consumer: Consumer): Promise<Record<string, CheckResult>> {
  const reachable = await db.query('SELECT 1').then(
    () => true,
    () => false,
  )
  const parked = consumer.parkedCount()
  return {
    database: { status: reachable ? 'ok' : 'fail' },
    consumer: { status: consumer.healthy() ? 'ok' : 'warn' },
    parked: { status: parked === 0 ? 'ok' : 'warn', detail: `${parked} records` },
  }
}

function loggerOf(config: Config): Logger {
  return createLogger({ service: NAME, level: config.logLevel, region: config.region })
}
