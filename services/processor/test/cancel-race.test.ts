import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { Gate } from '../src/calls/admission.ts'
import { cancelOperation } from '../src/calls/cancel-operation.ts'
import { createObserver } from '../src/calls/observe.ts'
import { createPsps, type PspAtWork } from '../src/calls/psps.ts'
import { takeDue } from '../src/calls/take-due.ts'
import { createWaiting } from '../src/calls/waiting.ts'
import { readConfig } from '../src/config.ts'
import type { NamedRequest } from '../src/domain/decide-cancel.ts'
import { createHandlers } from '../src/messaging/handlers.ts'
import type { ProcessorWork } from '../src/messaging/handlers.ts'
import { processorMigrations } from '../src/migrations.ts'
import { processBatch } from '../src/process-batch.ts'
import { createSyncbankAdapter } from '../src/psp/syncbank-adapter.ts'
import type { TurnLimits } from '../src/store/claim-due.ts'
import { OPERATIONS, type OperationTable, PAYMENTS } from '../src/store/operation-tables.ts'
import { fundsReserved, refundRequested } from './world.ts'

const TRIES = 2_000
const AT_ONCE = 20
const { policy, accounts } = readConfig({}).psp
const adapter = createSyncbankAdapter({})
const logger = createLogger({ service: 'processor', level: 'silent' })
const observer = createObserver({ logger, metrics: createMetrics('processor') })
const handlers = createHandlers()
const ALL: TurnLimits = { total: 500, ofKey: 500, ofTenant: 500, keys: [], tenants: [] }
const common = { region: 'local', policy, psp: 'main', adapter }
const alone = { claimed: null, state: () => 'enabled' as const, failover: null }

/** Sends every second payment at once and lets the others wait in the table. */
function gateOf(): Gate {
  return {
    admit: (keys) => keys.map((_key, index) => (index % 2 === 0 ? 'send' : 'wait')),
    sendLimits: () => ALL,
    held: () => ({ waitMs: 0, all: false, keys: [] }),
  }
}

function record(db: Db, work: ProcessorWork[]): Promise<unknown> {
  const nothing = (): void => {}
  const psp: PspAtWork = {
    name: 'main',
    adapter,
    policy,
    accounts,
    gate: gateOf(),
    waiting: createWaiting(),
    state: alone.state,
    isOpen: () => true,
    send: nothing,
    addBacklog: nothing,
  }
  const psps = createPsps([psp], [])
  return transaction(db, (tx) =>
    processBatch({ region: 'local', psps, addReversals: nothing }, tx, work),
  )
}

function claim(db: Db, table: OperationTable): Promise<unknown> {
  return takeDue({
    ...common,
    ...alone,
    db,
    table,
    jitter: () => 0.5,
    gate: { ...gateOf(), admit: (keys) => keys.map(() => 'send') },
    queryLimits: () => ALL,
    waiting: createWaiting(),
    observer,
    wakeRelay: () => {},
  })
}

/** Tries to record, to send and to cancel the same requests at the same time, in any order. */
async function race(
  db: Db,
  table: OperationTable,
  work: ProcessorWork[],
  requests: NamedRequest[],
): Promise<Map<string, string>> {
  const actor = { type: 'client', id: 'payments' } as const
  const deps = { db, region: 'local', observer, wakeRelay: () => {} }
  const answers = new Map<string, string>()
  const [some, others] = [work.slice(0, AT_ONCE / 2), work.slice(AT_ONCE / 2)]
  await record(db, some)
  const tasks: (() => Promise<unknown>)[] = requests.map((request) => async () => {
    answers.set(request.requestId, await cancelOperation(deps, request, actor))
  })
  tasks.push(
    () => record(db, others).then(() => claim(db, table)),
    () => claim(db, table),
  )
  const order = tasks.map((task) => ({ task, at: Math.random() }))
  order.sort((one, other) => one.at - other.at)
  await Promise.all(order.map(({ task }) => task()))
  // Whatever waits still is sent now.
  await claim(db, table)
  return answers
}

/** How many attempts and how many cancel events the request has. */
async function outcomes(db: Db, event: string, attempts: string) {
  const { rows } = await db.query<{ id: string; sent: number; canceled: number }>({
    text: `SELECT id, count(*) FILTER (WHERE what = 'sent')::int AS sent,
        count(*) FILTER (WHERE what = 'canceled')::int AS canceled
      FROM (
        ${attempts}
        UNION ALL
        SELECT coalesce(payload::json->>'refund_id', payload::json->>'payment_id'), 'canceled'
        FROM outbox WHERE payload::json->>'event_type' = $1
      ) AS all_of_them
      GROUP BY id`,
    values: [event],
  })
  return new Map(rows.map(({ id, sent, canceled }) => [id, { sent, canceled }]))
}

test(`P12: cancel races SENDING: one wins, in ${TRIES} tries with payments`, SLOW, async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'race' })
  const answers = new Map<string, string>()
  for (let tries = 0; tries < TRIES; tries += AT_ONCE) {
    const events = Array.from({ length: AT_ONCE }, () => fundsReserved())
    const work = events.map((event) => workOf(handlers['funds.reserved']!, event))
    const requests = events.map(({ payment_id: requestId }) => ({
      kind: 'pay' as const,
      requestId,
      tenantId: 'caudal',
    }))
    for (const [id, answer] of await race(db, PAYMENTS, work, requests)) answers.set(id, answer)
  }
  const attempts = `SELECT payment_id::text AS id, 'sent' AS what FROM attempts`
  check(answers, await outcomes(db, 'payment.canceled', attempts), t.diagnostic.bind(t))
})

test(`P12: cancel races SENDING: one wins, in ${TRIES} tries with refunds`, SLOW, async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'race' })
  const answers = new Map<string, string>()
  for (let tries = 0; tries < TRIES; tries += AT_ONCE) {
    const payments = Array.from({ length: AT_ONCE }, () => fundsReserved())
    await addCompleted(
      db,
      payments.map(({ payment_id: id }) => id),
    )
    // Half of them are voids.
    const events = payments.map((payment, index) =>
      refundRequested(payment, index % 2 === 0 ? '10.00' : '9.00'),
    )
    const work = events.map((event) => workOf(handlers['refund.requested']!, event))
    const requests = events.map(({ refund_id: requestId }) => ({
      kind: 'refund' as const,
      requestId,
      tenantId: 'caudal',
    }))
    for (const [id, answer] of await race(db, OPERATIONS, work, requests)) answers.set(id, answer)
  }
  const attempts = `SELECT o.request_id::text AS id, 'sent' AS what
      FROM operation_attempts JOIN operations o USING (operation_id)`
  check(answers, await outcomes(db, 'refund.canceled', attempts), t.diagnostic.bind(t))
  const { rows } = await db.query(
    `SELECT count(*)::int AS voids FROM operations WHERE kind = 'void' AND attempt_number = 1`,
  )
  assert.ok(rows[0].voids > 0, 'some voids were sent')
})

function workOf<E>(
  handler: (incoming: { event: E; record: never }) => unknown,
  event: E,
): ProcessorWork {
  return handler({ event, record: { headers: {} } as never }) as ProcessorWork
}

async function addCompleted(db: Db, ids: string[]): Promise<void> {
  await db.query({
    text: `INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
        amount_minor, currency, request_body, status, attempt_number, gateway_response, psp,
        finished_at)
      SELECT id, 'caudal', id, id, id, 1000, 'USD', '', 'COMPLETED', 1,
        jsonb_build_object('status', 'approved', 'gateway_transaction_id', id::text), 'main', now()
      FROM unnest($1::uuid[]) AS id`,
    values: [ids],
  })
}

function check(
  answers: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, { sent: number; canceled: number }>,
  report: (line: string) => void,
): void {
  const counts = { canceled: 0, sent: 0 }
  for (const [id, answer] of answers) {
    const { sent = 0, canceled = 0 } = found.get(id) ?? {}
    assert.deepEqual(
      { sent, canceled },
      answer === 'canceled' ? { sent: 0, canceled: 1 } : { sent: 1, canceled: 0 },
      `${id} was answered ${answer}`,
    )
    counts[answer === 'canceled' ? 'canceled' : 'sent'] += 1
  }
  report(`${counts.canceled} canceled, ${counts.sent} sent`)
  assert.equal(counts.canceled + counts.sent, TRIES)
  assert.ok(counts.canceled > 0 && counts.sent > 0, 'each of them won sometimes')
}
