import { SCOPE } from '@caudal/contracts/scopes.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createServiceTokenSource } from '@caudal/http/service-token-source.ts'
import { dropKeysPeriodically } from '@caudal/idempotency/drop-old-keys.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { PeriodicWork } from '@caudal/retry/run-periodically.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog, openRelay } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { type ServiceParts, startService } from '@caudal/service/start-service.ts'
import { addWaitsRoute } from '@caudal/service/waits-route.ts'
import type { Config } from './config.ts'
import { handlers, orderBy } from './events/handlers.ts'
import { settleOverduePeriodically } from './events/settle-overdue.ts'
import { paymentMigrations } from './migrations.ts'
import { createObserver, type Observer } from './observe.ts'
import { processBatch, type ProcessBatchDeps } from './process-batch.ts'
import { createCancel } from './requests/cancel/cancel-at-processor.ts'
import { addCancelRoutes } from './requests/cancel/cancel-routes.ts'
import { addCaseRoutes } from './requests/cases/case-routes.ts'
import { addUnblockRoute } from './requests/cases/unblock-route.ts'
import { lookUpOrders } from './requests/look-up-orders.ts'
import { addRefundRoutes } from './requests/refunds/refund-routes.ts'
import { createRefundRequests, type RefundRequests } from './requests/refunds/request-refunds.ts'
import { createPaymentRequests, type PaymentRequests } from './requests/request-payments.ts'
import { addPaymentRoutes } from './requests/routes.ts'
import { addStaffRoutes } from './requests/staff-routes.ts'
import { findPayment } from './store/find-payment.ts'
import { findRefund } from './store/find-refund.ts'
import { listCases } from './store/list-cases.ts'
import { listDisputes } from './store/list-disputes.ts'
import { listPayments } from './store/list-payments.ts'
import { listRefunds } from './store/list-refunds.ts'
import { listReturns } from './store/list-returns.ts'
import { listTenantPayments } from './store/list-tenant-payments.ts'
import { unblockDestination } from './store/unblock-destination.ts'

const NAME = 'payments'
/** How many refunds and returns of a payment are among its steps; nearly all have none. */
const SHOWN_AT_MOST = 100

interface Parts extends ServiceParts {
  config: Config
  db: Db
  log: EventLog
  observer: Observer
  relay: Relay
}

/** Starts the payment service: database, log, relay, consumer, batches of requests, HTTP. */
export function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (base) => {
    const { logger, metrics, started } = base
    const db = await openDatabase(NAME, config, { sets: paymentMigrations }, base)
    const log = await openLog(config, base)
    const observer = createObserver({ db, logger, metrics })
    const relay = await openRelay({ name: NAME, db, log }, config, base)
    const parts: Parts = { ...base, config, db, log, observer, relay }
    const consumer = await startConsumer(parts)
    started(() => consumer.stop())
    const overdue = settleOverdue(parts)
    started(() => overdue.stop())
    const requests = acceptRequests(parts)
    started(() => requests.drain())
    const refunds = acceptRefunds(parts)
    started(() => refunds.drain())
    const keys = dropKeysPeriodically({ db, logger, keepDays: config.keyDays })
    started(() => keys.stop())
    const app = createApp(parts, { consumer, requests, refunds, cursors: await openCursors(db) })
    started(() => closeServer(app))
    return listen(app, config)
  })
}

function startConsumer(parts: Parts): Promise<Consumer> {
  const { config, db, log, logger, metrics, observer, relay } = parts
  const afterCommit: ProcessBatchDeps['afterCommit'] = (decision, incoming) =>
    observer.eventsDecided(decision, incoming)
  const { region, returnCharges } = config
  const deps = { region, returnCharges, afterCommit }
  return consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    handlers,
    orderBy,
    process: (tx, incoming) => processBatch(deps, tx, incoming),
    afterCommit: () => relay.wake(),
  })
}

function settleOverdue({ config, db, logger, observer, relay }: Parts): PeriodicWork {
  const { region, returnCharges } = config
  const deps = { db, logger, region, returnCharges }
  const afterCommit: ProcessBatchDeps['afterCommit'] = (decision, incoming) =>
    observer.eventsDecided(decision, incoming)
  return settleOverduePeriodically({ ...deps, afterCommit, wake: () => relay.wake() })
}

function acceptRequests({ config, db, logger, observer, relay }: Parts): PaymentRequests {
  const { tokenUrl, clientId, clientSecret, ordersUrl, ordersTimeoutMs: timeoutMs } = config
  const client = { tokenUrl, clientId, clientSecret }
  const scopes = { scope: SCOPE.ordersRead, extraScope: SCOPE.tenantsAny }
  const getToken = createServiceTokenSource({ ...client, ...scopes })
  const lookup = { ordersUrl, getToken, timeoutMs, logger }
  return createPaymentRequests({
    db,
    region: config.region,
    refusalsPerDay: config.refusalsPerDay,
    lookUpOrders: (wanted, traceparent) => lookUpOrders(lookup, wanted, traceparent),
    afterCommit: (decisions) => {
      relay.wake()
      observer.requestsDecided(decisions)
    },
  })
}

function acceptRefunds({ config, db, observer, relay }: Parts): RefundRequests {
  return createRefundRequests({
    db,
    region: config.region,
    policy: config.refunds,
    afterCommit: (decisions) => {
      relay.wake()
      observer.refundsDecided(decisions)
    },
  })
}

interface Running {
  consumer: Consumer
  requests: PaymentRequests
  refunds: RefundRequests
  cursors: Cursors
}

function createApp(parts: Parts, { consumer, requests, refunds, cursors }: Running) {
  const { config, db, logger, metrics, relay } = parts
  const verifier = serviceVerifier(NAME, config)
  const readiness = () => checkParts({ db, verifier, consumer, relay })
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addPaymentRoutes(app, {
    verifier,
    cursors,
    logger,
    requestPayment: (request) => requests.request(request),
    findPayment: (owner, paymentId) => findPayment(db, owner, paymentId),
    listPayments: (owner, page) => listPayments(db, owner, page),
    listRefunds: ({ paymentId }) =>
      listRefunds(db, paymentId, { limit: SHOWN_AT_MOST, after: undefined }),
    listReturns: ({ tenantId, paymentId }) =>
      listReturns(db, { tenantId, paymentId }, { limit: SHOWN_AT_MOST, after: undefined }),
    listDisputes: ({ paymentId }) => listDisputes(db, paymentId, SHOWN_AT_MOST),
  })
  addRefundRoutes(app, {
    verifier,
    cursors,
    requestRefund: (request) => refunds.request(request),
    findPayment: (owner, paymentId) => findPayment(db, owner, paymentId),
    findRefund: (owner, refundId) => findRefund(db, owner, refundId),
    listRefunds: (paymentId, page) => listRefunds(db, paymentId, page),
  })
  addCancelRoutes(app, {
    verifier,
    cancel: openCancel(parts),
    findPayment: (owner, paymentId) => findPayment(db, owner, paymentId),
    findRefund: (owner, refundId) => findRefund(db, owner, refundId),
  })
  addStaffRoutes(app, {
    verifier,
    cursors,
    findPayment: (tenantId, paymentId) => findPayment(db, { tenantId }, paymentId),
    listTenantPayments: (filter, page) => listTenantPayments(db, filter, page),
  })
  addCaseRoutes(app, {
    verifier,
    cursors,
    findPayment: (owner, paymentId) => findPayment(db, owner, paymentId),
    listReturns: (filter, page) => listReturns(db, filter, page),
    listCases: (filter, page) => listCases(db, filter, page),
  })
  addUnblockRoute(app, { verifier, unblock: (unblock) => unblockDestination(db, unblock) })
  addWaitsRoute(app, { verifier, db, name: NAME })
  return app
}

function openCancel({ config, logger }: Parts) {
  const { tokenUrl, clientId, clientSecret, processorUrl, cancelTimeoutMs: timeoutMs } = config
  const scopes = { scope: SCOPE.operationsCancel, extraScope: SCOPE.tenantsAny }
  const getToken = createServiceTokenSource({ tokenUrl, clientId, clientSecret, ...scopes })
  return createCancel({ processorUrl, getToken, timeoutMs, logger })
}
