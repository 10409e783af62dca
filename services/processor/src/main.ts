import type { NamedPayment } from '@caudal/contracts/payment-steps.ts'
import { type Consumer, consume } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { addStepsRoute } from '@caudal/http/steps-route.ts'
import type { Relay } from '@caudal/outbox/relay.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog, openRelay } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { type ServiceParts, startService } from '@caudal/service/start-service.ts'
import { addWaitsRoute } from '@caudal/service/waits-route.ts'
import { type Callbacks, startCallbacks } from './callbacks/start-callbacks.ts'
import { cancelOperation } from './calls/cancel-operation.ts'
import { createPspControl } from './calls/control-psps.ts'
import { emitOverlookedAtStart } from './calls/emit-overlooked.ts'
import { type PspStates, watchPspStates } from './calls/psp-states.ts'
import { type PspWork, startPspWork } from './calls/psp-work.ts'
import { reportStranded } from './calls/report-stranded.ts'
import type { WatchedPsp } from './calls/watch-state.ts'
import type { Config } from './config.ts'
import { accountsOfTenant } from './domain/accounts-of-tenant.ts'
import { addCallbackDoor } from './http/callback-door.ts'
import { addCallbackRoutes, type CallbackRoutesDeps } from './http/callback-routes.ts'
import { addCancelRoute } from './http/cancel-route.ts'
import { addJoinedCallbacks } from './http/joined-callbacks.ts'
import { addPspRoutes } from './http/psp-routes.ts'
import { createHandlers, orderBy } from './messaging/handlers.ts'
import { processorMigrations } from './migrations.ts'
import { processBatch } from './process-batch.ts'
import { findNextStep } from './store/find-next-step.ts'
import { listCallbacks } from './store/list-callbacks.ts'
import { listPspSteps } from './store/list-psp-steps.ts'

const NAME = 'processor'
interface Parts extends ServiceParts {
  config: Config
  db: Db
  log: EventLog
  relay: Relay
  states: PspStates
  work: PspWork
  callbacks: Callbacks
}

/**
 * Starts the processor (P5): database, log, relay, calls to the PSP, consumer, HTTP. A stop first
 * stops consuming, then waits for calls in flight.
 */
export function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (base) => {
    const { logger, metrics, started } = base
    const db = await openDatabase(NAME, config, { sets: processorMigrations }, base)
    const log = await openLog(config, base)
    const relay = await openRelay({ name: NAME, db, log }, config, base)
    const wakeRelay = (): void => relay.wake()
    const states = await watchPspStates(db, logger)
    started(() => states.stop())
    const work = startPspWork({ db, config, states, logger, metrics, wakeRelay })
    started(() => work.stop())
    const psps = config.psps.map(({ name }) => name)
    const overlooked = emitOverlookedAtStart({ db, log, region: config.region, logger, wakeRelay })
    started(() => overlooked.stop())
    const stranded = reportStranded({ db, psps, logger })
    started(() => stranded.stop())
    const callbacks = startCallbacks({
      db,
      region: config.region,
      logger,
      metrics,
      wakeRelay,
      findPsp: work.findPsp,
      observer: work.observer,
      wakeCalls: () => work.wake(),
    })
    started(() => callbacks.stop())
    const parts: Parts = { ...base, config, db, log, relay, states, work, callbacks }
    const consumer = await startConsumer(parts)
    started(() => consumer.stop())
    const app = createApp(parts, consumer, await openCursors(db))
    started(() => closeServer(app))
    return listen(app, config)
  })
}

async function startConsumer({ db, log, logger, metrics, relay, work }: Parts): Promise<Consumer> {
  const consumer = await consume({
    log,
    db,
    logger,
    metrics,
    group: NAME,
    handlers: createHandlers(),
    orderBy,
    process: (tx, requested) => processBatch(work.intake, tx, requested),
    afterCommit: () => relay.wake(),
    capacity: () => work.capacity(),
  })
  work.onCapacity(() => consumer.wake())
  return consumer
}

function createApp(parts: Parts, consumer: Consumer, cursors: Cursors): HttpServer {
  const { config, logger, metrics, db, relay, states, work, callbacks } = parts
  // Only services ask, with identity's tokens.
  const verifier = serviceVerifier(NAME, { ...config, gatewayIssuer: null })
  const readiness = async () => ({
    ...(await checkParts({ db, verifier, consumer, relay })),
    psp_circuit: checkCircuits(work),
  })
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addStepsRoute(app, { verifier, listSteps: (payment) => listPspSteps(db, payment) })
  const { observer } = work
  const wakeRelay = (): void => relay.wake()
  const cancelDeps = { db, region: config.region, observer, wakeRelay }
  addCancelRoute(app, {
    verifier,
    cancel: (request, actor) => cancelOperation(cancelDeps, request, actor),
  })
  addCallbackDoor(app, callbacks)
  addJoinedCallbacks(app, { receive: callbacks.receive, logger })
  const list: CallbackRoutesDeps['list'] = (filter) => listCallbacks(db, filter)
  const accountsOf = (tenantId: string) => accountsOfTenant(config.psps, tenantId)
  const { reprocess } = callbacks
  addCallbackRoutes(app, { verifier, cursors, list, reprocess, accountsOf })
  const circuits = { modeOf: work.circuitModeOf, waitMs: config.psp.policy.circuitWaitMs }
  const findNext = (payment: NamedPayment) => findNextStep(db, payment, circuits)
  addPspRoutes(app, { verifier, cursors, ...createPspControl(db, config, states) })
  addWaitsRoute(app, { verifier, db, name: NAME, findNext })
  return app
}

/** A warning while a PSP, or a bank behind one, is not called. */
function checkCircuits({ psps }: PspWork): CheckResult {
  const [first] = psps
  const details = psps.flatMap((psp) => {
    const trouble = troubleOf(psp)
    if (trouble === null) return []
    return psps.length === 1 ? [trouble] : [`${psp.name}: ${trouble}`]
  })
  if (details.length === 0) return { status: 'ok', detail: first?.circuitMode() ?? 'closed' }
  return { status: 'warn', detail: details.join('; ') }
}

function troubleOf({ circuitMode, circuitCounts }: WatchedPsp): string | null {
  const mode = circuitMode()
  if (mode !== 'closed') return mode
  const counts = circuitCounts()
  const closed = counts.get('closed') ?? 0
  const notClosed = [...counts.values()].reduce((sum, count) => sum + count, 0) - closed
  return notClosed === 0 ? null : `not closed for ${notClosed} pairs of tenant and bank`
}
