import { TOPICS } from '@caudal/contracts/topics.ts'
import { consume, type Consumer } from '@caudal/event-log/consume.ts'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createServiceTokenSource } from '@caudal/http/service-token-source.ts'
import { addStepsRoute } from '@caudal/http/steps-route.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { type ServiceParts, startService } from '@caudal/service/start-service.ts'
import type { Config } from './config.ts'
import { notificationMigrations } from './migrations.ts'
import { createObserver } from './observe.ts'
import { processBatch } from './process-batch.ts'
import { createApnsChannel } from './push/apns-channel.ts'
import { createFcmChannel } from './push/fcm-channel.ts'
import { Sender } from './sender.ts'
import { listSteps } from './store/list-steps.ts'

const NAME = 'notifications'
const FCM_CONNECTIONS = 64
const SCOPE = 'users:read users:write'

/** Every table of the service's database. */
export const migrationSets = [consumerMigrations, notificationMigrations]

/** Starts the notification service (P6): pool, channels, sender, consumer, HTTP. */
export async function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (parts) => {
    const db = await openDatabase(NAME, config, { sets: migrationSets }, parts)
    const log = await openLog(config, parts)
    const { logger, metrics, started } = parts
    const sender = createSender(config, db, parts, () => consumer.wake())
    const deps = {
      leaseMs: config.leaseMs,
      now: Date.now,
      send: sender.send.bind(sender),
    }
    const consumer = await consume({
      log,
      db,
      group: NAME,
      topics: [TOPICS.paymentsFinalized],
      process: (tx, events) => processBatch(deps, tx, events),
      capacity: () => sender.room(),
      logger,
      metrics,
    })
    sender.start()
    started(() => sender.stop())
    started(() => consumer.stop())
    return serve(config, db, consumer, parts)
  })
}

function createSender(
  config: Config,
  db: Db,
  { logger, metrics, started }: ServiceParts,
  onRoom: () => void,
): Sender {
  const { identityUrl, identityTimeoutMs, pushTimeoutMs: timeoutMs, fcm, apns } = config
  const getToken = createServiceTokenSource({ ...config, scope: SCOPE })
  const channels = {
    fcm: createFcmChannel({ ...fcm, connections: FCM_CONNECTIONS, timeoutMs }),
    apns: createApnsChannel({ ...apns, timeoutMs }),
  }
  started(() => Promise.all(Object.values(channels).map((channel) => channel.close())))
  return new Sender({
    db,
    lookup: { identityUrl, getToken, timeoutMs: identityTimeoutMs },
    channels,
    concurrency: config.concurrency,
    leaseMs: config.leaseMs,
    observer: createObserver({ db, metrics, logger }),
    logger,
    onRoom,
  })
}

async function serve(
  config: Config,
  db: Db,
  consumer: Consumer,
  { logger, metrics, started }: ServiceParts,
): Promise<string> {
  const verifier = serviceVerifier(NAME, config)
  const readiness = () => checkParts({ db, verifier, consumer })
  const app = createServer({ name: NAME, logger, metrics, readiness })
  addStepsRoute(app, { verifier, listSteps: (paymentId) => listSteps(db, paymentId) })
  started(() => closeServer(app))
  return listen(app, config)
}
