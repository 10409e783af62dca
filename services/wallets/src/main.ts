import { randomInt } from 'node:crypto'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import { applyEvents } from './apply-events.ts'
import type { Config } from './config.ts'
import { STRIPES } from './domain/account.ts'
import { addLedgerRoutes } from './http/ledger-routes.ts'
import { addTraceRoutes } from './http/trace-routes.ts'
import { addWalletRoutes } from './http/wallet-routes.ts'
import { keepPartitions, type PartitionKeeper } from './keep-partitions.ts'
import { ledgerMigrations } from './migrations.ts'
import { createObserver, type Observer } from './observe.ts'
import { findBalances } from './store/find-balances.ts'
import { findPaymentHold } from './store/find-payment-hold.ts'
import { listEntries } from './store/list-entries.ts'
import { type CommandTaker, takeCommands } from './take-commands.ts'

const NAME = 'wallets'
const CONSUMED = [TOPICS.users, TOPICS.paymentsRequested, TOPICS.paymentsResults]
/** How long a stop waits for the outbox; what is left is published after the next start. */
const DRAIN_TIMEOUT_MS = 2_000

/** Every table of the service's database; the ledger uses functions of the consumer's set. */
export const migrationSets = [consumerMigrations, outboxMigrations, ledgerMigrations]

interface Parts {
  config: Config
  logger: Logger
  metrics: Metrics
  db: Db
  log: EventLog
  observer: Observer
  relay: Relay
  partitions: PartitionKeeper
}

/**
 * Starts the wallet service (P4, F1): pool, partitions, event log, relay, consumer, HTTP. `stop`
 * takes no more requests, ends what is under way and takes everything down in reverse; so does a
 * start that fails halfway.
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
    logger.info({ url }, 'wallets listens')
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
  const partitions = await keepPartitions({ db, logger, metrics })
  started.push(() => partitions.stop())
  const log = await openLog(config, logger)
  started.push(() => log.close())
  const observer = createObserver({ logger, metrics })
  const relay = startRelay({ url: databaseUrl, log, logger, metrics })
  started.push(() => relay.drained(DRAIN_TIMEOUT_MS).then(() => relay.stop()))
  const parts: Parts = { config, logger, metrics, db, log, observer, relay, partitions }
  const consumer = await startConsumer(parts)
  started.push(() => consumer.stop())
  const commands = takeCommands({
    ...config,
    db,
    observer,
    afterCommit: () => relay.wake(),
  })
  started.push(() => commands.drain())
  const app = createApp(parts, consumer, commands)
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

function startConsumer(parts: Parts): Promise<Consumer> {
  const { config, db, log, logger, metrics, observer, relay } = parts
  return consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    topics: CONSUMED,
    process: applyEvents({ region: config.region, observer }),
    afterCommit: () => relay.wake(),
  })
}

function createApp(parts: Parts, consumer: Consumer, commands: CommandTaker): HttpServer {
  const { config, db, logger, metrics, relay, partitions } = parts
  const verifier = verifierOf(config)
  const readiness = () => checkReadiness({ db, consumer, relay, verifier, partitions })
  const app = createServer({ name: NAME, logger, metrics, readiness })
  addWalletRoutes(app, {
    verifier,
    findBalances: (walletId) => findBalances(db, walletId),
    listEntries: (query) => listEntries(db, query),
  })
  addLedgerRoutes(app, {
    verifier,
    submit: (command, traceparent) => commands.submit(command, traceparent),
    // One batch at a time, so one row of a clearing account is enough for this process (rule 7).
    stripe: randomInt(STRIPES),
  })
  addTraceRoutes(app, { verifier, findHold: (paymentId) => findPaymentHold(db, paymentId) })
  return app
}

/** Users come through the gateway only; services with identity's tokens. */
function verifierOf(config: Config): TokenVerifier {
  return createTokenVerifier({
    issuers: [
      {
        issuer: config.gatewayIssuer,
        jwksUrl: config.gatewayJwksUrl,
        audience: NAME,
        kinds: ['user'],
      },
      {
        issuer: config.identityIssuer,
        jwksUrl: config.identityJwksUrl,
        audience: 'caudal',
        kinds: ['service'],
      },
    ],
  })
}

/** Without its database the service is of no use; everything else it can wait for. */
async function checkReadiness(deps: {
  db: Db
  consumer: Consumer
  relay: Relay
  verifier: TokenVerifier
  partitions: PartitionKeeper
}): Promise<Record<string, CheckResult>> {
  const { db, consumer, relay, verifier, partitions } = deps
  const [database, keys] = await Promise.all([
    works(db.query('SELECT 1')),
    works(verifier.checkKeys()),
  ])
  const parked = consumer.parkedCount()
  return {
    database: { status: database ? 'ok' : 'fail' },
    token_keys: { status: keys ? 'ok' : 'warn' },
    consumer: { status: consumer.healthy() ? 'ok' : 'warn' },
    parked_records: { status: parked === 0 ? 'ok' : 'warn', detail: `${parked}` },
    relay: { status: relay.healthy() ? 'ok' : 'warn' },
    partitions: partitions.check(),
  }
}

function works(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
