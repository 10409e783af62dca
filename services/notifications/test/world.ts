import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import { openPostgresLog } from '@caudal/event-log/postgres/open-postgres-log.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { readConfig as readPushConfig } from '@caudal/push-simulator/config.ts'
import { type RunningPush, start as startPush } from '@caudal/push-simulator/main.ts'
import { pushMigrations } from '@caudal/push-simulator/migrations.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { testPort } from '@caudal/testing/test-port.ts'
import { type Config, readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { notificationMigrations } from '../src/migrations.ts'
import { type IdentityDouble, startIdentityDouble } from './identity-double.ts'

/** A message that the push simulator accepted. */
export type Message = {
  message_id: string
  payment_id: string
  device_token: string
  title: string
  body: string
}

/** A row of notifications. */
export type NotificationRow = {
  status: string
  attempts: number
  failures: number
  detail: string | null
  due_at: Date | null
}

type Addressee = { tenantId: string; userId: string }
type Behaviour = { default?: string; by_token?: Record<string, string> }

export type World = {
  db: Db
  databaseName: string
  log: EventLog
  identity: IdentityDouble
  /** The environment of an instance that runs in its own process. */
  env: Record<string, string>
  /** Starts an instance; `config` overrides its environment. */
  start(config?: Partial<Config>): Promise<RunningService>
  behave(behaviour: Behaviour): Promise<void>
  stopPush(): Promise<void>
  startPush(): Promise<void>
  finalize(events: readonly CaudalEvent[]): Promise<void>
  messages(paymentId: string): Promise<Message[]>
  /** How many messages of these payments the push services accepted. */
  requests(events: readonly PaymentFinalized[]): Promise<number>
  find(paymentId: string): Promise<NotificationRow | undefined>
  /** Waits until the notification of the payment has ended. */
  ended(paymentId: string): Promise<NotificationRow>
  /** How many notifications of these payments have each status. */
  statuses(events: readonly PaymentFinalized[]): Promise<Record<string, number>>
}

/** Push services, an event log, identity and a database for notifications, all owned by a test. */
export async function world(scope: TestScope): Promise<World> {
  const pushDb = await testDatabase(scope, { sets: pushMigrations, name: 'push' })
  const logDb = await testDatabase(scope, { sets: [logMigrations], name: 'log' })
  const own = await testDatabase(scope, { sets: notificationMigrations, name: 'notifications' })
  const identity = await startIdentityDouble(scope)
  const log = await openPostgresLog({ url: logDb.url })
  const push = await startPushServices(pushDb.url)
  const running = new Set<RunningService>()
  scope.after(async () => {
    await Promise.all([...running].map((service) => service.stop()))
    await log.close()
    await push.stop()
  })
  const env = {
    CAUDAL_NOTIFICATIONS_PORT: '0',
    CAUDAL_NOTIFICATIONS_DATABASE_URL: own.url,
    CAUDAL_LOG_DATABASE_URL: logDb.url,
    CAUDAL_LOG_LEVEL: process.env['CAUDAL_TEST_LOG_LEVEL'] ?? 'silent',
    CAUDAL_CLIENT_SECRET: 'a-secret-of-some-length',
    CAUDAL_IDENTITY_URL: identity.url,
    CAUDAL_PUSH_URL: push.url(),
    CAUDAL_PUSH_APNS_URL: push.apnsUrl(),
    // Fast enough for tests, in the same proportions as the defaults.
    CAUDAL_NOTIFICATIONS_IDENTITY_TIMEOUT: '500ms',
    CAUDAL_PUSH_TIMEOUT: '1s',
    CAUDAL_PUSH_LEASE: '2s',
  }
  const find: World['find'] = async (paymentId) => {
    const { rows } = await own.pool.query<NotificationRow>(
      'SELECT status, attempts, failures, detail, due_at FROM notifications WHERE payment_id = $1',
      [paymentId],
    )
    return rows[0]
  }
  return {
    db: own.pool,
    databaseName: own.name,
    log,
    identity,
    env,
    async start(config = {}) {
      const service = await start({ ...readConfig(env), ...config })
      const stop = async (): Promise<void> => {
        if (running.delete(tracked)) await service.stop()
      }
      const tracked = { ...service, stop }
      running.add(tracked)
      return tracked
    },
    behave: push.behave,
    stopPush: push.stop,
    startPush: push.start,
    messages: push.messages,
    async requests(events) {
      const messages = await Promise.all(events.map((event) => push.messages(event.payment_id)))
      return messages.flat().length
    },
    finalize: (events) =>
      log.append(
        events.map((event) => ({
          topic: TOPICS.paymentsFinalized,
          key: event.account_id,
          value: serializeEvent(event),
          headers: { traceparent: newTraceparent() },
        })),
      ),
    find,
    ended: (paymentId) =>
      eventually(async () => {
        const found = await find(paymentId)
        return found && found.status !== 'PENDING' ? found : undefined
      }),
    async statuses(events) {
      const { rows } = await own.pool.query<{ status: string; count: bigint }>(
        `SELECT status, count(*) AS count FROM notifications
         WHERE payment_id = ANY($1::uuid[]) GROUP BY status`,
        [events.map((event) => event.payment_id)],
      )
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]))
    },
  }
}

/** The push simulator, which has the same addresses after a restart. */
async function startPushServices(databaseUrl: string) {
  const ports = {
    CAUDAL_PUSH_PORT: String(await testPort()),
    CAUDAL_PUSH_APNS_PORT: String(await testPort()),
  }
  const launch = (): Promise<RunningPush> =>
    startPush(
      readPushConfig({
        CAUDAL_PUSH_DATABASE_URL: databaseUrl,
        CAUDAL_LOG_LEVEL: 'silent',
        ...ports,
      }),
    )
  let push: RunningPush | undefined = await launch()
  const { url, apnsUrl } = push
  return {
    url: () => url,
    apnsUrl: () => apnsUrl,
    async stop() {
      await push?.stop()
      push = undefined
    },
    async start() {
      push = await launch()
    },
    async behave(behaviour: Behaviour) {
      const response = await fetch(`${url}/admin/behaviour`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ default: 'ok', ...behaviour }),
      })
      if (!response.ok) throw new Error(`behaviour refused: ${await response.text()}`)
    },
    async messages(paymentId: string): Promise<Message[]> {
      const response = await fetch(`${url}/admin/messages?payment_id=${paymentId}`)
      return ((await response.json()) as { data: Message[] }).data
    },
  }
}

/** A `payment.finalized` event of a user; `extra` replaces members. */
export function finalized(
  { tenantId, userId }: Addressee,
  extra: Partial<PaymentFinalized> = {},
): PaymentFinalized {
  return {
    event_id: newId(),
    event_type: 'payment.finalized',
    timestamp: new Date().toISOString(),
    schema_version: schemaVersionOf('payment.requested'),
    actor: { type: 'user', id: 'tests' },
    region: 'local',
    tenant_id: tenantId,
    account_id: accountIdOf(tenantId, userId, 'USD'),
    payment_id: newId(),
    user_id: userId,
    external_order_id: newId(),
    amount: '100.50',
    currency: 'USD',
    service_name: 'Electricity',
    status: 'COMPLETED',
    reason: null,
    ...extra,
  }
}
