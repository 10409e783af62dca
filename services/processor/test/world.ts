import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { PaymentCompleted, PaymentFailed } from '@caudal/contracts/events/payments.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import { PARTITION_COUNT, TOPICS, type Topic } from '@caudal/contracts/topics.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import { openPostgresLog } from '@caudal/event-log/postgres/open-postgres-log.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { readConfig as readPspConfig } from '@caudal/psp-simulator/config.ts'
import { start as startPsp } from '@caudal/psp-simulator/main.ts'
import { pspMigrations } from '@caudal/psp-simulator/migrations.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { processorMigrations } from '../src/migrations.ts'
import { call } from './call.ts'

const level = (process.env['CAUDAL_TEST_LOG_LEVEL'] ?? 'silent') as 'silent'
const logger = createLogger({ service: 'processor', level })

export type Result = CaudalEvent & { payment_id: string }
export type RefundResult = Extract<
  CaudalEvent,
  { event_type: `refund.${'submitted' | 'in_doubt' | 'succeeded' | 'failed' | 'canceled'}` }
>
type Behaviour = {
  default?: string
  by_account?: Record<string, string>
  by_operation?: Record<string, string>
}

export type World = {
  db: Db
  /** The processor's database, for a superuser. */
  adminUrl: string
  /** The environment of an instance that runs in its own process. */
  env: Record<string, string>
  log: EventLog
  /** Starts an instance; `env` overrides the environment of the world. */
  start(env?: Record<string, string>): Promise<RunningService>
  pspUrl: string
  behave(behaviour: Behaviour): Promise<void>
  /** The PSP's charges for the payment. */
  charges(paymentId: string): Promise<number>
  requests(paymentId: string): Promise<number>
  reserve(events: readonly FundsReserved[]): Promise<void>
  /** Appends requests to refund. */
  refund(events: readonly RefundRequested[]): Promise<void>
  /** The types of all events of a refund so far, in order. */
  refundResults(refundId: string): Promise<RefundResult[]>
  /** Everything on payments.results so far, in order per partition. */
  results(): Promise<Result[]>
  /** The results of one payment. */
  resultsOf(paymentId: string): Promise<Result[]>
  /** Waits for the final event of a payment. */
  final(paymentId: string, timeoutMs?: number): Promise<PaymentCompleted | PaymentFailed>
  /** Waits for the final event of each payment; by payment_id. */
  finals(
    events: readonly FundsReserved[],
    timeoutMs?: number,
  ): Promise<Map<string, PaymentCompleted | PaymentFailed>>
}

/**
 * The scope of a whole file. Hooks that a hook adds run last, which `after` of node:test does only
 * inside of a test.
 */
export function fileScope(after: (hook: () => Promise<void>) => void): TestScope {
  const hooks: (() => void | Promise<void>)[] = []
  after(async () => {
    for (const hook of hooks) await hook()
  })
  return { after: (hook) => void hooks.push(hook) }
}

/** A PSP simulator, an event log and a database for processors, all owned by this test. */
export async function world(t: TestScope, given: Record<string, string> = {}): Promise<World> {
  const pspDb = await testDatabase(t, { sets: pspMigrations, name: 'psp' })
  const logDb = await testDatabase(t, { sets: [logMigrations], name: 'log' })
  const own = await testDatabase(t, { sets: processorMigrations, name: 'processor' })
  const psp = await startPsp(
    readPspConfig({ CAUDAL_PSP_PORT: '0', CAUDAL_PSP_DATABASE_URL: pspDb.url }),
    logger,
  )
  const log = await openPostgresLog({ url: logDb.url })
  const running = new Set<RunningService>()
  t.after(async () => {
    await Promise.all([...running].map((service) => service.stop()))
    await log.close()
    await psp.stop()
  })
  const results = () => readResults<Result>(log, TOPICS.paymentsResults)
  const append = (topic: Topic, events: readonly (FundsReserved | RefundRequested)[]) =>
    log.append(
      events.map((event) => ({
        topic,
        key: event.account_id,
        value: serializeEvent(event),
        headers: { traceparent: newTraceparent() },
      })),
    )
  const finals: World['finals'] = (events, timeoutMs = 30_000) => {
    const check = async () => {
      const final = new Map((await results()).filter(isFinal).map((one) => [one.payment_id, one]))
      const open = events.filter((event) => !final.has(event.payment_id))
      if (open.length > 0) throw new Error(`${open.length} without a final word`)
      return final
    }
    return eventually(check, { timeoutMs, label: 'the final events' })
  }
  const env = {
    CAUDAL_PROCESSOR_PORT: '0',
    CAUDAL_LOG_LEVEL: level,
    CAUDAL_PROCESSOR_DATABASE_URL: own.url,
    CAUDAL_LOG_DATABASE_URL: logDb.url,
    CAUDAL_PSP_URL: psp.url,
    // Fast enough for tests, in the same proportions as the defaults.
    CAUDAL_PSP_TIMEOUT: '1s',
    CAUDAL_PSP_CONNECT_TIMEOUT: '500ms',
    CAUDAL_PSP_RETRY_BASE: '20ms',
    CAUDAL_PSP_FIRST_QUERY: '50ms',
    CAUDAL_PSP_QUERY_MAX: '1s',
    CAUDAL_PSP_DRAIN: '0ms',
    ...given,
  }
  return {
    db: own.pool,
    adminUrl: own.adminUrl,
    env,
    log,
    pspUrl: psp.url,
    async start(more = {}) {
      const service = await start(readConfig({ ...env, ...more }))
      const stop = async (): Promise<void> => {
        if (running.delete(tracked)) await service.stop()
      }
      const tracked = { ...service, stop }
      running.add(tracked)
      return tracked
    },
    async behave(behaviour) {
      const body = { default: 'approve', ...behaviour }
      const { status, text } = await call(`${psp.url}/admin/behaviour`, { method: 'PUT', body })
      if (status !== 200) throw new Error(`behaviour refused: ${text}`)
    },
    charges: (paymentId) => countAt(psp.url, 'charges', paymentId),
    requests: (paymentId) => countAt(psp.url, 'requests', paymentId),
    reserve: (events) => append(TOPICS.fundsReserved, events),
    refund: (events) => append(TOPICS.refundsRequested, events),
    async refundResults(refundId) {
      const all = await readResults<RefundResult>(log, TOPICS.refundsResults)
      return all.filter((event) => event.refund_id === refundId)
    },
    results,
    resultsOf: async (paymentId) =>
      (await results()).filter((event) => event.payment_id === paymentId),
    finals,
    async final(paymentId, timeoutMs) {
      const found = await finals([{ payment_id: paymentId } as FundsReserved], timeoutMs)
      return found.get(paymentId)!
    },
  }
}

/** A `funds.reserved` event of a payment to the given account; `extra` replaces members. */
export function fundsReserved(
  account = '1234567890',
  extra: Partial<FundsReserved> = {},
): FundsReserved {
  const userId = newId()
  return {
    event_id: newId(),
    event_type: 'funds.reserved',
    timestamp: new Date().toISOString(),
    schema_version: schemaVersionOf('payment.requested'),
    actor: { type: 'user', id: 'tests' },
    region: 'local',
    tenant_id: 'caudal',
    account_id: accountIdOf('caudal', userId, 'USD'),
    payment_id: newId(),
    user_id: userId,
    external_order_id: newId(),
    idempotency_key: newId(),
    wallet_transaction_id: newId(),
    payment_data: {
      amount: '10.00',
      currency: 'USD',
      service_name: 'Electricity',
      service_account_number: account,
      service_bank_code: 'BNK112',
    },
    ...extra,
  }
}

/** A `refund.requested` event for a part of a payment. */
export function refundRequested(
  { tenant_id, account_id, payment_id, user_id }: FundsReserved,
  amount: string,
  extra: Partial<RefundRequested> = {},
): RefundRequested {
  return {
    event_id: newId(),
    event_type: 'refund.requested',
    timestamp: new Date().toISOString(),
    schema_version: schemaVersionOf('refund.requested'),
    actor: { type: 'client', id: 'tests' },
    region: 'local',
    tenant_id,
    account_id,
    payment_id,
    user_id,
    refund_id: newId(),
    amount,
    currency: 'USD',
    ...extra,
  }
}

function isFinal(event: CaudalEvent): event is PaymentCompleted | PaymentFailed {
  return event.event_type === 'payment.completed' || event.event_type.startsWith('payment.failed')
}

/** Everything on a topic so far, in order per partition. */
export async function readResults<E>(log: EventLog, topic: Topic): Promise<E[]> {
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, partition) => ({
    topic,
    partition,
    offset: 0n,
  }))
  const records = await log.read(partitions, {
    maxRecords: 100_000,
    waitMs: 0,
    signal: AbortSignal.timeout(5_000),
  })
  return records.map((record) => JSON.parse(record.value) as E)
}

async function countAt(url: string, what: string, paymentId: string): Promise<number> {
  const { json } = await call(`${url}/admin/${what}?payment_id=${paymentId}`)
  return (json()['data'] as unknown[]).length
}
