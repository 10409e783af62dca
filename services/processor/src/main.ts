import { TOPICS } from '@caudal/contracts/topics.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { checkReadiness } from './check-readiness.ts'
import type { Config } from './config.ts'
import { type GatewayWork, startGatewayWork } from './gateway-work.ts'
import { addStepRoutes } from './http/routes.ts'
import { migrationSets } from './migrations.ts'
import { processBatch } from './process-batch.ts'
import { listSteps } from './store/list-steps.ts'

const NAME = 'processor'
/** How long a stop waits for the outbox; what is left is published after the next start. */
const DRAIN_TIMEOUT_MS = 2_000

type Parts = {
  config: Config
  logger: Logger
  metrics: Metrics
  db: Db
  log: EventLog
  relay: Relay
  work: GatewayWork
}

/**
 * Starts the processor: pool, event log, relay, calls to the PSP, consumer, HTTP. `stop` takes no
 * more payments, waits for calls under way and takes everything down in reverse; so does a start
 * that fails halfway.
 */
export async function start(config: Config, given?: Logger): Promise<RunningService> {
  const { region, logLevel: level } = config
  const logger = given ?? createLogger({ service: NAME, level, region })
  const started: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (let undo = started.pop(); undo; undo = started.pop()) await undo()
  }
  try {
    const url = await startParts(config, logger, started)
    logger.info({ url }, 'processor listens')
    return { name: NAME, url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startParts(
  config: Config,
  logger: Logger,
  started: (() => Promise<unknown>)[],
): Promise<string> {
  const { migrationUrl, database, databaseUrl } = config
  if (migrationUrl) await migrate({ adminUrl: migrationUrl, database, sets: migrationSets })
  const metrics = createMetrics(NAME)
  const db = createPool({
    url: databaseUrl,
    applicationName: NAME,
    onError: (error) => logger.warn({ error }, 'a database connection broke'),
  })
  started.push(() => db.end())
  const log = await openLog(config, logger)
  started.push(() => log.close())
  const relay = startRelay({ url: databaseUrl, log, logger, metrics })
  started.push(() => relay.drained(DRAIN_TIMEOUT_MS).then(() => relay.stop()))
  const wakeRelay = (): void => relay.wake()
  const work = startGatewayWork({ db, config, logger, metrics, wakeRelay })
  started.push(() => work.stop())
  const parts: Parts = { config, logger, metrics, db, log, relay, work }
  const consumer = await startConsumer(parts)
  started.push(() => consumer.stop())
  const app = createApp(parts, consumer)
  started.push(() => closeServer(app))
  return listen(app, config)
}

function openLog(config: Config, logger: Logger): Promise<EventLog> {
  const { logDatabaseUrl, databaseUrl, migrationUrl } = config
  return openEventLog(
    { serverUrl: databaseUrl, url: logDatabaseUrl, ...(migrationUrl && { migrationUrl }) },
    logger,
  )
}

async function startConsumer({ db, log, logger, metrics, relay, work }: Parts): Promise<Consumer> {
  const consumer = await consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    topics: [TOPICS.fundsReserved],
    process: (tx, incoming) => processBatch(work.intake, tx, incoming),
    afterCommit: () => relay.wake(),
    capacity: () => work.capacity(),
  })
  work.onCapacity(() => consumer.wake())
  return consumer
}

function createApp({ config, logger, metrics, db, relay, work }: Parts, consumer: Consumer) {
  const verifier = verifierOf(config)
  const circuitMode = () => work.circuitMode()
  const readiness = () => checkReadiness({ db, consumer, relay, verifier, circuitMode })
  const app = createServer({ name: NAME, logger, metrics, readiness })
  addStepRoutes(app, { verifier, listSteps: (paymentId) => listSteps(db, paymentId) })
  return app
}

/** Only services ask, with identity's tokens. */
function verifierOf({ identityIssuer: issuer, identityJwksUrl: jwksUrl }: Config): TokenVerifier {
  return createTokenVerifier({
    issuers: [{ issuer, jwksUrl, audience: 'caudal', kinds: ['service'] }],
  })
}
