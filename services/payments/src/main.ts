import { TOPICS } from '@caudal/contracts/topics.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createServer } from '@caudal/http/create-server.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createServiceTokenSource } from '@caudal/http/service-token-source.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics, type Metrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { lookUpOrders } from './http/look-up-orders.ts'
import { addPaymentRoutes } from './http/routes.ts'
import { paymentMigrations } from './migrations.ts'
import { createObserver, type Observer } from './observe.ts'
import { processBatch, type ProcessBatchDeps } from './process-batch.ts'
import { createPaymentRequests, type PaymentRequests } from './request-payments.ts'
import { findPayment } from './store/find-payment.ts'
import { listPayments } from './store/list-payments.ts'

const NAME = 'payments'
const CONSUMED = [TOPICS.fundsReserved, TOPICS.paymentsResults, TOPICS.fundsReleased]
/** How long a stop waits for the outbox; what is left is published after the next start. */
const DRAIN_TIMEOUT_MS = 2_000

interface Parts {
  config: Config
  logger: Logger
  metrics: Metrics
  db: Db
  log: EventLog
  observer: Observer
  relay: Relay
}

/**
 * Starts the payment service: pool, event log, relay, consumer, HTTP. `stop` takes no more
 * requests, ends what is under way and takes everything down in reverse; so does a start that fails
 * halfway.
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
    logger.info({ url }, 'payments listens')
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
  if (migrationUrl) await migrate({ adminUrl: migrationUrl, database, sets: paymentMigrations })
  const metrics = createMetrics(NAME)
  const db = createPool({
    url: databaseUrl,
    applicationName: NAME,
    onError: (error) => logger.warn({ error }, 'a database connection broke'),
  })
  started.push(() => db.end())
  const log = await openLog(config, logger)
  started.push(() => log.close())
  const observer = createObserver({ db, logger, metrics })
  const relay = startRelay({ url: databaseUrl, log, logger, metrics })
  started.push(() => relay.drained(DRAIN_TIMEOUT_MS).then(() => relay.stop()))
  const parts: Parts = { config, logger, metrics, db, log, observer, relay }
  const consumer = await startConsumer(parts)
  started.push(() => consumer.stop())
  const requests = acceptRequests(parts)
  started.push(() => requests.drain())
  const app = createApp(parts, consumer, requests)
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
  const afterCommit: ProcessBatchDeps['afterCommit'] = (decision, incoming) =>
    observer.eventsDecided(decision, incoming)
  const deps = { region: config.region, afterCommit }
  return consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    topics: CONSUMED,
    process: (tx, incoming) => processBatch(deps, tx, incoming),
    afterCommit: () => relay.wake(),
  })
}

function acceptRequests({ config, db, logger, observer, relay }: Parts): PaymentRequests {
  const { identityUrl, clientId, clientSecret, ordersUrl, ordersTimeoutMs: timeoutMs } = config
  const scope = 'orders:read'
  const getToken = createServiceTokenSource({ identityUrl, clientId, clientSecret, scope })
  const lookup = { ordersUrl, getToken, timeoutMs, logger }
  return createPaymentRequests({
    db,
    region: config.region,
    lookUpOrders: (wanted, traceparent) => lookUpOrders(lookup, wanted, traceparent),
    afterCommit: (decisions) => {
      relay.wake()
      observer.requestsDecided(decisions)
    },
  })
}

function createApp(parts: Parts, consumer: Consumer, requests: PaymentRequests) {
  const { config, db, logger, metrics, relay } = parts
  const verifier = verifierOf(config)
  const readiness = () => checkReadiness({ db, consumer, relay, verifier })
  const app = createServer({ name: NAME, logger, metrics, readiness })
  addPaymentRoutes(app, {
    verifier,
    requestPayment: (request) => requests.request(request),
    findPayment: (owner, paymentId) => findPayment(db, owner, paymentId),
    listPayments: (owner, page) => listPayments(db, owner, page),
  })
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
}): Promise<Record<string, CheckResult>> {
  const { db, consumer, relay, verifier } = deps
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
  }
}

function works(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}
