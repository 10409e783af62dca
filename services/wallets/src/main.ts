import { randomInt } from 'node:crypto'
import type { NamedPayment, PaymentStep } from '@caudal/contracts/payment-steps.ts'
import type { ProcessWork } from '@caudal/event-log/apply-batch.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { addStepsRoute } from '@caudal/http/steps-route.ts'
import { dropKeysPeriodically } from '@caudal/idempotency/drop-old-keys.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog, openRelay } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { type ServiceParts, startService } from '@caudal/service/start-service.ts'
import { addWaitsRoute } from '@caudal/service/waits-route.ts'
import { openAccount } from './accounts/open-account.ts'
import { addOpenRoute } from './accounts/open-route.ts'
import { findBalances } from './accounts/store/find-balances.ts'
import { listEntries } from './accounts/store/list-entries.ts'
import { userHandlers } from './accounts/user-handlers.ts'
import { addWalletRoutes } from './accounts/wallet-routes.ts'
import { addAccountRoutes } from './commands/account-routes.ts'
import type { CommandRouteDeps } from './commands/answer-command.ts'
import { addCommandRoutes } from './commands/command-routes.ts'
import { policyBook } from './commands/policy-book.ts'
import { recordPolicies } from './commands/store/record-policies.ts'
import { type CommandTaker, takeCommands } from './commands/take-commands.ts'
import type { Config } from './config.ts'
import { addHistoryRoutes, type HistoryRouteDeps } from './history/history-routes.ts'
import { readBalances, readStatement, readTrial } from './history/read-history.ts'
import { findAccount, listAccounts, listTenantAccounts } from './history/store/find-account.ts'
import { findTransfer } from './history/store/find-transfer.ts'
import { listHolds } from './history/store/list-holds.ts'
import { listSystemAccounts } from './history/store/list-system-accounts.ts'
import { listTransfersByReference } from './history/store/list-transfers-by-reference.ts'
import { SLOTS } from './ledger/domain/account.ts'
import type { Work } from './ledger/origin.ts'
import { processBatch } from './ledger/process-batch.ts'
import { walletMigrations } from './migrations.ts'
import { createObserver, type Observer } from './observe.ts'
import { orderBy } from './order-by.ts'
import { paymentHandlers } from './payments/payment-handlers.ts'
import { paymentSteps } from './payments/payment-steps.ts'
import { postingHandlers } from './payments/posting-handlers.ts'
import { postingSteps } from './payments/posting-steps.ts'
import { findPaymentHold } from './payments/store/find-payment-hold.ts'
import { listPaymentPostings } from './payments/store/list-payment-postings.ts'
import { completeOldEvents } from './upkeep/complete-old-events.ts'
import { keepPartitions, type PartitionKeeper } from './upkeep/keep-partitions.ts'
import { sweepHolds } from './upkeep/sweep-holds.ts'

const NAME = 'wallets'
/** Each lane needs one, atomic batches another, and one is for the case that one breaks. */
const COMMAND_CONNECTIONS = 4
const SWEEP_PAUSE_MS = 1_000

interface Parts extends ServiceParts {
  config: Config
  db: Db
  log: EventLog
  observer: Observer
  relay: Relay
  partitions: PartitionKeeper
}

/** Starts the wallet service (P4, F1): database, partitions, log, relay, consumer, HTTP. */
export function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (base) => {
    const { started } = base
    const db = await openDatabase(NAME, config, { sets: walletMigrations }, base)
    const partitions = await keepPartitions({ db, ...base })
    started(() => partitions.stop())
    const completed = await completeOldEvents({ db, region: config.region })
    if (completed > 0) base.logger.info({ completed }, 'emitted events of release 0.1.0 again')
    await recordPolicies(db, config.clientPolicies)
    const log = await openLog(config, base)
    const observer = createObserver(base)
    const relay = await openRelay({ name: NAME, db, log }, config, base)
    const parts: Parts = { ...base, config, db, log, observer, relay, partitions }
    const consumer = await startConsumer(parts)
    started(() => consumer.stop())
    const commands = startCommands(parts)
    started(() => commands.stop())
    const sweeper = startSweeper(parts)
    started(() => sweeper.stop())
    const keys = dropKeysPeriodically({ db, logger: base.logger, keepDays: config.keyDays })
    started(() => keys.stop())
    const cursors = await openCursors(db)
    const app = createApp(parts, { consumer, commands, sweeper, cursors })
    started(() => closeServer(app))
    return listen(app, config)
  })
}

function startConsumer(parts: Parts): Promise<Consumer> {
  const { db, log, logger, metrics, relay } = parts
  return consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    handlers: { ...userHandlers, ...paymentHandlers, ...postingHandlers },
    orderBy,
    process: processEvents(parts),
    afterCommit: () => relay.wake(),
  })
}

/** The spine for consumed events: each command brings its slot, the partition of its record. */
function processEvents({ config, observer }: Parts): ProcessWork<Work> {
  const { region } = config
  return async (tx, work) => {
    try {
      const processed = await processBatch({ region, slot: 0 }, tx, work)
      const outcomes = processed.outcomes.map(({ outcome }) => outcome)
      return { outcomes, afterCommit: () => observer.eventsApplied(work, outcomes) }
    } catch (error) {
      if (error instanceof ParkError) observer.eventsParked(error.parked)
      throw error
    }
  }
}

/** Commands have connections of their own, for statements that find every row by its key. */
function startCommands(parts: Parts): CommandTaker & { stop(): Promise<void> } {
  const { config, logger, metrics, observer, relay } = parts
  const db = createPool({
    url: config.databaseUrl,
    applicationName: `${NAME}-commands`,
    metrics,
    max: COMMAND_CONNECTIONS,
    plans: 'by_key',
    onError: (err) => logger.warn({ err }, 'a database connection broke'),
  })
  const afterCommit = (): void => relay.wake()
  const slot = randomInt(SLOTS)
  const taker = takeCommands({
    ...config,
    db,
    observer,
    // Two lanes keep the database and this thread busy at the same time; more would only make the
    // batches smaller.
    slots: [slot, (slot + SLOTS / 2) % SLOTS],
    afterCommit,
  })
  const stop = async (): Promise<void> => {
    await taker.drain()
    await db.end()
  }
  return { ...taker, stop }
}

/** A hold whose time is over is released within about a second. */
function startSweeper({ config, db, relay, observer, logger }: Parts): PeriodicWork {
  const deps = { db, region: config.region, observer, afterCommit: () => relay.wake() }
  return runPeriodically({
    pauseMs: SWEEP_PAUSE_MS,
    work: async () => void (await sweepHolds(deps)),
    onFault: (err) => logger.error({ err }, 'could not release holds whose time is over'),
  })
}

interface Running {
  consumer: Consumer
  commands: CommandTaker
  sweeper: PeriodicWork
  cursors: Cursors
}

function createApp(parts: Parts, running: Running): HttpServer {
  const { consumer, commands, sweeper, cursors } = running
  const { config, db, logger, metrics, relay, partitions } = parts
  const verifier = serviceVerifier(NAME, config)
  const readiness = async () => ({
    ...(await checkParts({ db, verifier, consumer, relay })),
    partitions: partitions.check(),
    expiry: { status: sweeper.lastFault() === null ? 'ok' : 'warn' } as const,
  })
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addWalletRoutes(app, {
    verifier,
    cursors,
    findBalances: (walletId) => findBalances(db, walletId),
    listEntries: (query) => listEntries(db, query),
  })
  addHistoryRoutes(app, { verifier, cursors, ...historyReads(db) })
  const { submit, submitAll } = commands
  const policyOf = policyBook(config.clientPolicies)
  const taking: CommandRouteDeps = { verifier, policyOf, submit, submitAll }
  addCommandRoutes(app, taking)
  addAccountRoutes(app, taking)
  const opening = { db, region: config.region, afterCommit: () => relay.wake() }
  addOpenRoute(app, {
    verifier,
    open: (account, opener) => openAccount(opening, account, opener),
  })
  addStepsRoute(app, { verifier, listSteps: (payment) => listSteps(db, payment) })
  addWaitsRoute(app, { verifier, db, name: NAME })
  return app
}

function historyReads(db: Db): Omit<HistoryRouteDeps, 'verifier' | 'cursors'> {
  return {
    findAccount: (name) => findAccount(db, name),
    listAccounts: (query) => listAccounts(db, query),
    listTenantAccounts: (query) => listTenantAccounts(db, query),
    listHolds: (query) => listHolds(db, query),
    listTransfersByReference: (query) => listTransfersByReference(db, query),
    listSystemAccounts: (query) => listSystemAccounts(db, query),
    readBalances: (account, asOf) => readBalances(db, account, asOf),
    readStatement: (account, query) => readStatement(db, account, query),
    findTransfer: (name) => findTransfer(db, name),
    readTrialBalance: (query) => readTrial(db, query),
  }
}

async function listSteps(db: Db, payment: NamedPayment): Promise<PaymentStep[]> {
  const [hold, postings] = await Promise.all([
    findPaymentHold(db, payment),
    listPaymentPostings(db, payment),
  ])
  return [...(hold === undefined ? [] : paymentSteps(hold)), ...postingSteps(postings)]
}
