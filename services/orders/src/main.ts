import { consume } from '@caudal/event-log/consume.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { openCursors } from '@caudal/http/cursor-key.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { startService } from '@caudal/service/start-service.ts'
import type { Config } from './config.ts'
import { handlers, orderBy } from './events/handlers.ts'
import { orderMigrations } from './migrations.ts'
import { processBatch } from './process-batch.ts'
import { createOrderCreation } from './requests/create-orders.ts'
import { addOrderRoutes } from './requests/routes.ts'
import { findOrders } from './store/find-orders.ts'
import { listOrders } from './store/list-orders.ts'

const NAME = 'orders'

/** Starts the order service: database, log, consumer, HTTP. */
export function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (parts) => {
    const { logger, metrics, started } = parts
    const db = await openDatabase(NAME, config, { sets: orderMigrations }, parts)
    const log = await openLog(config, parts)
    const consumer = await consume({
      log,
      db,
      group: NAME,
      handlers,
      orderBy,
      process: (tx, work) => processBatch({}, tx, work),
      logger,
      metrics,
    })
    started(() => consumer.stop())
    const creation = createOrderCreation(db)
    started(() => creation.drain())

    const verifier = serviceVerifier(NAME, config)
    const readiness = () => checkParts({ db, verifier, consumer })
    const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
    addOrderRoutes(app, {
      verifier,
      cursors: await openCursors(db),
      createOrders: (orders) => creation.create(orders),
      findOrders: (keys) => findOrders(db, keys),
      listOrders: (page) => listOrders(db, page),
    })
    started(() => closeServer(app))
    return listen(app, config)
  })
}
