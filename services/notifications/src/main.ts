import { SCOPE } from '@caudal/contracts/scopes.ts'
import { consume, type Consumer } from '@caudal/event-log/consume.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { createServer } from '@caudal/http/create-server.ts'
import type { CheckResult, Readiness } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createServiceTokenSource } from '@caudal/http/service-token-source.ts'
import { addStepsRoute } from '@caudal/http/steps-route.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog } from '@caudal/service/open-log.ts'
import { serviceVerifier } from '@caudal/service/service-verifier.ts'
import { type ServiceParts, startService } from '@caudal/service/start-service.ts'
import { addWaitsRoute } from '@caudal/service/waits-route.ts'
import { createObserver } from './calls/observe.ts'
import { type Sender, startSender } from './calls/send-notifications.ts'
import type { Config } from './config.ts'
import type { Channel } from './domain/notification.ts'
import { handlers, orderBy } from './messaging/handlers.ts'
import { notificationMigrations } from './migrations.ts'
import { processBatch } from './process-batch.ts'
import { createApnsChannel } from './push/apns-channel.ts'
import { createFcmChannel } from './push/fcm-channel.ts'
import type { PushChannel } from './push/push-channel.ts'
import { listDeliverySteps } from './store/list-delivery-steps.ts'

const NAME = 'notifications'
const SCOPES = `${SCOPE.usersRead} ${SCOPE.usersWrite}`

type Channels = Record<Channel, PushChannel>

/** Starts the notification service (P6): pool, channels, sender, consumer, HTTP. */
export async function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (parts) => {
    const db = await openDatabase(NAME, config, { sets: notificationMigrations }, parts)
    const log = await openLog(config, parts)
    const channels = openChannels(config, parts)
    const sender = openSender(config, { db, channels }, parts)
    const consumer = await startConsumer(config, { db, log, sender }, parts)
    const verifier = serviceVerifier(NAME, config)
    const readiness = () => checkReadiness({ db, verifier, consumer, sender })
    return serve(config, { db, verifier, readiness }, parts)
  })
}

function openChannels(
  { fcm, apns, pushTimeoutMs: timeoutMs }: Config,
  { started }: ServiceParts,
): Channels {
  const channels = {
    fcm: createFcmChannel({ ...fcm, timeoutMs }),
    apns: createApnsChannel({ ...apns, timeoutMs }),
  }
  started(() => Promise.all(Object.values(channels).map((channel) => channel.close())))
  return channels
}

function openSender(
  config: Config,
  { db, channels }: { db: Db; channels: Channels },
  { logger, metrics, started }: ServiceParts,
): Sender {
  const { usersUrl, identityTimeoutMs: timeoutMs, concurrency, leaseMs, pushTimeoutMs } = config
  const getToken = createServiceTokenSource({
    ...config,
    scope: SCOPES,
    extraScope: SCOPE.tenantsAny,
  })
  const sender = startSender({
    db,
    lookup: { usersUrl, getToken, timeoutMs },
    channels,
    concurrency,
    leaseMs,
    pushTimeoutMs,
    observer: createObserver({ db, metrics, logger }),
    logger,
  })
  started(() => sender.stop())
  return sender
}

async function startConsumer(
  { leaseMs }: Config,
  { db, log, sender }: { db: Db; log: EventLog; sender: Sender },
  { logger, metrics, started }: ServiceParts,
): Promise<Consumer> {
  const { room, send } = sender
  const consumer = await consume({
    log,
    db,
    group: NAME,
    handlers,
    orderBy,
    process: (tx, work) => processBatch({ leaseMs, room, send }, tx, work),
    logger,
    metrics,
  })
  started(() => consumer.stop())
  return consumer
}

const CIRCUIT_NOT_CLOSED = 'too many calls failed; its circuit is open'

type Checked = {
  db: Db
  verifier: TokenVerifier
  consumer: Consumer
  sender: Sender
}

/** A dependency that is down does not stop the service: notifications wait in their table. */
async function checkReadiness({
  db,
  verifier,
  consumer,
  sender,
}: Checked): Promise<Record<string, CheckResult>> {
  const warnUnless = (works: boolean, detail: string): CheckResult =>
    works ? { status: 'ok' } : { status: 'warn', detail }
  return {
    ...(await checkParts({ db, verifier, consumer })),
    identity: warnUnless(sender.identityAnswers(), 'the last lookup of devices failed'),
    fcm: warnUnless(sender.pushAnswers('fcm'), CIRCUIT_NOT_CLOSED),
    apns: warnUnless(sender.pushAnswers('apns'), CIRCUIT_NOT_CLOSED),
  }
}

async function serve(
  config: Config,
  { db, verifier, readiness }: Pick<Checked, 'db' | 'verifier'> & { readiness: Readiness },
  { logger, metrics, started }: ServiceParts,
): Promise<string> {
  const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
  addStepsRoute(app, { verifier, listSteps: (payment) => listDeliverySteps(db, payment) })
  addWaitsRoute(app, { verifier, db, name: NAME })
  started(() => closeServer(app))
  return listen(app, config)
}
