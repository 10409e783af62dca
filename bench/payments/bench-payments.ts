import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { seedUsers, type SeededUser } from 'caudal/demo-data/seed-users.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { percentiles } from 'caudal/traffic/percentiles.ts'
import { type Attempt, resolveUnanswered, sendPayments } from 'caudal/traffic/send-payments.ts'
import { verifySystem } from 'caudal/verify/verify-system.ts'
import { type BenchOptions, type Row, createRow } from '../row.ts'
import { assertDurable } from './assert-durable.ts'
import { findCapacity } from './find-capacity.ts'
import { launch } from './launch.ts'
import { stageRows } from './stage-rows.ts'

const ORDERS_PER_USER = 50
const PSP_LATENCIES_MS = [0, 200]
const DRAIN_TIMEOUT_MS = 120_000
const PROBE_SECONDS = 4
const WARM_UP = { rate: 100, seconds: 5 }

/**
 * Measures whole payments at an open-loop rate, with every service, the simulators and PostgreSQL
 * as `npm start` runs them, and the clients in this process, all on the same cores. The rate is the
 * one that the machine holds, found by probes, or the one given. The clock stops when every payment
 * is final and the outbox is empty.
 */
export async function benchPayments(options: BenchOptions): Promise<Row[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'caudal-bench-'))
  const launched = await launch(dataDir, options.profile)
  const rows: Row[] = []
  try {
    const system = await findSystem({ dataDir, url: undefined })
    const payments = createPool({
      url: system.databaseUrl('caudal_payments'),
      applicationName: 'bench',
      max: 2,
    })
    try {
      await assertDurable(payments)
      // A warm-up, whose figures are dropped.
      await measure(system, payments, { ...WARM_UP, latencyMs: 0 })
      const rate = options.rate ?? (await capacityOf(system, payments))
      for (const latencyMs of PSP_LATENCIES_MS) {
        const run = await measure(system, payments, { rate, seconds: options.seconds, latencyMs })
        rows.push(...(await report(payments, run)))
      }
    } finally {
      await payments.end()
    }
    const { ok, checks } = await verifySystem(system, DRAIN_TIMEOUT_MS)
    const wrong = checks.filter(({ violations }) => violations.length > 0)
    if (!ok) throw new Error(`verify found ${JSON.stringify(wrong)}`)
    return rows
  } finally {
    await launched.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

type Load = { rate: number; seconds: number; latencyMs: number }
type Run = Load & {
  users: SeededUser[]
  attempts: Attempt[]
  unheard: number
  elapsedSeconds: number
}

function capacityOf(system: System, payments: Db): Promise<number> {
  return findCapacity(async (rate) => {
    const load = { rate, seconds: PROBE_SECONDS, latencyMs: 0 }
    const { attempts, elapsedSeconds } = await measure(system, payments, load)
    const accepted = attempts.filter(isAccepted).length
    const perSecond = accepted / elapsedSeconds
    process.stderr.write(`${rate}/s sent: ${Math.round(perSecond)}/s became final\n`)
    return { accepted: accepted === attempts.length, perSecond }
  })
}

async function measure(system: System, payments: Db, load: Load): Promise<Run> {
  await setLatency(system, load.latencyMs)
  const count = Math.round(load.rate * load.seconds)
  const users = await seedUsers(system, {
    users: Math.ceil(count / ORDERS_PER_USER),
    ordersPerUser: Math.min(count, ORDERS_PER_USER),
    balance: '1000.00',
    amount: '10.00',
    currency: 'USD',
  })
  const startedAt = performance.now()
  const attempts = await sendPayments(system.gatewayUrl, users, { rate: load.rate, count })
  const unheard = await resolveUnanswered(system.gatewayUrl, users, attempts, DRAIN_TIMEOUT_MS)
  await waitUntilFinal(payments, users, attempts)
  const elapsedSeconds = (performance.now() - startedAt) / 1_000
  return { ...load, users, attempts, unheard, elapsedSeconds }
}

const isAccepted = ({ status }: Attempt): boolean => status === 202

async function setLatency(system: System, latencyMs: number): Promise<void> {
  const answer = await fetch(`${system.pspUrl}/admin/behaviour`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ default: 'approve', by_account: {}, latency_ms: latencyMs, seed: 1 }),
  })
  if (!answer.ok) throw new Error(`the PSP simulator responded with ${answer.status}`)
}

/** Waits until every accepted payment is final and the outbox of payments is empty. */
async function waitUntilFinal(
  payments: Db,
  users: readonly SeededUser[],
  attempts: readonly Attempt[],
): Promise<void> {
  const accepted = attempts.filter(isAccepted).length
  const ids = users.map((user) => user.user_id)
  for (const deadline = Date.now() + DRAIN_TIMEOUT_MS; ; await delay(20)) {
    const { rows } = await payments.query<{ final: bigint; waiting: bigint }>(
      `SELECT
         (SELECT count(*) FROM payments
          WHERE user_id = ANY($1::uuid[]) AND finalized_at IS NOT NULL) AS final,
         (SELECT count(*) FROM outbox_unpublished) AS waiting`,
      [ids],
    )
    const { final, waiting } = rows[0]!
    if (Number(final) === accepted && waiting === 0n) return
    if (Date.now() > deadline) {
      throw new Error(`${final} payments became final, ${accepted} were accepted`)
    }
  }
}

async function report(
  payments: Db,
  { users, attempts, unheard, elapsedSeconds, rate, latencyMs }: Run,
): Promise<Row[]> {
  const { rows } = await payments.query<{ status: string; final_ms: number }>(
    `SELECT status, (extract(epoch FROM finalized_at - created_at) * 1000)::float8 AS final_ms
     FROM payments WHERE user_id = ANY($1::uuid[])`,
    [users.map((user) => user.user_id)],
  )
  const completed = rows.filter(({ status }) => status === 'COMPLETED')
  const final = percentiles(completed.map((row) => row.final_ms))
  const accepted = attempts.filter(isAccepted)
  const accept = percentiles(accepted.map(({ acceptedMs }) => acceptedMs!))
  const perSecond = completed.length / elapsedSeconds
  const notes =
    `PSP latency ${latencyMs} ms, ${rate}/s sent, ${attempts.length} sent, ` +
    `${unheard} resolved by their keys, ${accepted.length} accepted, ${completed.length} completed`
  const row = {
    ...createRow(
      latencyMs === 0 ? 'completed' : `completed_psp_${latencyMs}ms`,
      perSecond,
      final,
      notes,
    ),
    accept_p50_ms: accept.p50,
    accept_p95_ms: accept.p95,
    accept_p99_ms: accept.p99,
    final_p50_ms: final.p50,
    final_p95_ms: final.p95,
    final_p99_ms: final.p99,
  }
  return [row, ...(await stageRows(payments, users, { perSecond, latencyMs }))]
}
