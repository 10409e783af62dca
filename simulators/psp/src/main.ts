import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { startCallbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
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
import type { MovementRequest } from './domain/movement.ts'
import { addOperationRoutes } from './http/operation-routes.ts'
import { addPaymentFastPath } from './http/payment-fast-path.ts'
import { addPaymentRoutes } from './http/payment-routes.ts'
import { pspMigrations } from './migrations.ts'
import { type IncomingPayment, processBatch, type ProcessedPayment } from './process-batch.ts'
import { processMovements, type ProcessedMovement } from './process-movements.ts'
import { addCallbackSettings, sendSigned } from './signed-callbacks.ts'
import { listCharges, totalCharges } from './store/list-charges.ts'
import { listRequests } from './store/list-requests.ts'
import { movedMoney, paidOut } from './store/moved-money.ts'

const NAME = 'psp'
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500]

/** Starts the simulated bank. */
export function start(
  config: Config,
  logger: Logger = createLogger({ service: NAME, level: config.logLevel, region: config.region }),
): Promise<RunningService> {
  const build = (base: SimulatorBase) => buildBank(config, base)
  return startSimulator(NAME, config, { sets: pspMigrations, logger, build })
}

async function buildBank(config: Config, base: SimulatorBase): Promise<SimulatorWork> {
  const { app, db, behaviours, cursors, logger, metrics } = base
  const callbacks = await startCallbacks({
    db,
    logger,
    fallback: config.callbacks,
    send: sendSigned,
  })
  const help = 'Payment requests per batch.'
  const batchSizes = metrics.histogram('psp_batch_size', help, [], BATCH_BUCKETS)
  const batcher = createBatcher<IncomingPayment, ProcessedPayment>({
    process: (incoming) => processBatch({ db, callbacks }, incoming),
    onBatch: (size) => batchSizes.observe(size),
  })
  const movements = createBatcher<MovementRequest, ProcessedMovement>({
    process: async (incoming) => {
      const { chooser } = behaviours
      const processed = await processMovements({ db, chooser, callbacks }, incoming)
      callbacks.wake()
      return processed
    },
  })
  const common = { ...base, callbacks }
  addPaymentRoutes(app, { ...common, batcher })
  addOperationRoutes(app, { ...common, movements })
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
    list: (operation, filter) =>
      operation === 'pay' ? listRequests(db, filter) : listOperationRequests(db, operation, filter),
  })
  const console = createConsole({ db, movements, callbacks })
  addMovementRoutes(app, { cursors, books, console })
  const disputes = createDisputes({ db, callbacks }, disputeBooks)
  addDisputeRoutes(app, { cursors, db, disputes, console })
  addCallbackSettings(app, callbacks)
  addPaymentFastPath(app, { ...common, batcher })
  return {
    release: () => callbacks.stop(),
    async drain() {
      await batcher.drain()
      await movements.drain()
    },
  }
}
