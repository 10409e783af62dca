import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { startCallbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { createAlarmClock } from '@caudal/simulator-kit/create-alarm-clock.ts'
import { createDisputes } from '@caudal/simulator-kit/disputes.ts'
import { addChargeRoutes } from '@caudal/simulator-kit/http/charge-routes.ts'
import { addDisputeRoutes } from '@caudal/simulator-kit/http/dispute-routes.ts'
import { addMovementRoutes } from '@caudal/simulator-kit/http/movement-routes.ts'
import { addPayoutList } from '@caudal/simulator-kit/http/payout-list.ts'
import { addRequestList } from '@caudal/simulator-kit/http/request-list.ts'
import { addReturnedMoneyRoute } from '@caudal/simulator-kit/http/returned-money-route.ts'
import { listOperationRequests } from '@caudal/simulator-kit/operation-requests.ts'
import {
  type SimulatorBase,
  type SimulatorWork,
  startSimulator,
} from '@caudal/simulator-kit/start-simulator.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import type { Config } from './config.ts'
import { createConsole } from './console.ts'
import { disputeBooks } from './dispute-books.ts'
import { addTransferRoutes } from './http/transfer-routes.ts'
import { asyncbankMigrations } from './migrations.ts'
import { type IncomingOrder, processBatch, type ProcessedOrder } from './process-batch.ts'
import { settleDue } from './settle-due.ts'
import { addCallbackSettings, sendBatch } from './signed-batches.ts'
import { listCharges, totalCharges } from './store/list-charges.ts'
import { movedMoney, paidOut } from './store/moved-money.ts'

const NAME = 'asyncbank'
const RETRY_AFTER_FAULT_MS = 1_000

/** Starts the simulated bank. */
export function start(
  config: Config,
  logger: Logger = createLogger({ service: NAME, level: config.logLevel, region: config.region }),
): Promise<RunningService> {
  const build = (base: SimulatorBase) => buildBank(config, base)
  return startSimulator(NAME, config, { sets: asyncbankMigrations, logger, build })
}

async function buildBank(config: Config, base: SimulatorBase): Promise<SimulatorWork> {
  const { app, db, behaviours, cursors, logger } = base
  const callbacks = await startCallbacks({
    db,
    logger,
    fallback: config.callbacks,
    send: sendBatch,
  })
  const settlement = createAlarmClock(
    () => settleDue({ db, chooser: behaviours.chooser, callbacks }),
    (error) => {
      logger.warn({ err: error }, 'could not settle transfers')
      return RETRY_AFTER_FAULT_MS
    },
  )
  const batcher = createBatcher<IncomingOrder, ProcessedOrder>({
    process: (incoming) => processBatch({ db, chooser: behaviours.chooser }, incoming),
  })
  const { apiKey } = config
  addTransferRoutes(app, { ...base, apiKey, batcher, settlement, callbacks })
  addChargeRoutes(app, {
    cursors,
    list: (filter) => listCharges(db, filter),
    total: (to) => totalCharges(db, to),
  })
  const books = { db, movedMoney }
  addReturnedMoneyRoute(app, { cursors, books })
  addPayoutList(app, { cursors, db, paidOut })
  addRequestList(app, {
    cursors,
    list: (operation, filter) => listOperationRequests(db, operation, filter),
  })
  const console = createConsole({ db, callbacks })
  addMovementRoutes(app, { cursors, books, console })
  const disputes = createDisputes({ db, callbacks }, disputeBooks)
  addDisputeRoutes(app, { cursors, db, disputes, console })
  addCallbackSettings(app, callbacks)
  // Transfers that were accepted before a restart are settled after it.
  settlement.wake()
  return {
    async release() {
      await settlement.stop()
      await callbacks.stop()
    },
    drain: () => batcher.drain(),
  }
}
