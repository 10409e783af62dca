import { seedUsers } from '../demo-data/seed-users.ts'
import type { System } from '../system/find-system.ts'
import { paymentHasEnded } from '../system/payments-api.ts'
import { countDuplicateCharges, loadOutcomes } from './load-outcomes.ts'
import { percentiles, type Percentiles } from './percentiles.ts'
import { type Attempt, type Progress, sendPayments } from './send-payments.ts'

/** Payments per second, and for how long. */
export type TrafficOptions = { rate: number; seconds: number }

/** The report of `caudal demo`. */
export type TrafficReport = {
  sent: number
  accepted: number
  /** Refused by a response. */
  refused: number
  /** Without a response after all retries with the same idempotency key. */
  unknown: number
  completed: number
  failed: number
  in_doubt: number
  lost: number
  /** null if the PSP's charges could not be read. */
  duplicated: number | null
  accept_ms: Percentiles
  final_ms: Percentiles
  completed_per_second: number
}

const ORDERS_PER_USER = 50
/** An accepted payment counts as lost if it is neither final nor in doubt so long after the end. */
const LOST_AFTER_MS = 30_000
const BOOKS_TIMEOUT_MS = 10_000

/** Creates users, sends payments at a steady rate and waits for their results. */
export async function runTraffic(
  system: System,
  { rate, seconds }: TrafficOptions,
  onProgress?: (progress: Progress) => void,
): Promise<TrafficReport> {
  const count = rate * seconds
  const users = await seedUsers(system, {
    users: Math.max(1, Math.ceil(count / ORDERS_PER_USER)),
    ordersPerUser: Math.min(count, ORDERS_PER_USER),
    balance: '1000.00',
    amount: '10.00',
    currency: 'USD',
  })
  const attempts = await sendPayments(system.gatewayUrl, users, { rate, count }, onProgress)
  const payments = await loadOutcomes(system, users, LOST_AFTER_MS)
  const duplicated = await countDuplicateCharges(system, BOOKS_TIMEOUT_MS)
  return report(attempts, payments, duplicated ?? null)
}

function report(
  attempts: readonly Attempt[],
  payments: Awaited<ReturnType<typeof loadOutcomes>>,
  duplicated: number | null,
): TrafficReport {
  const accepted = attempts.filter(({ status }) => status === 202)
  const unknown = attempts.filter(({ status }) => status === undefined).length
  const outcomes = accepted.map(({ paymentId }) => payments.get(paymentId ?? ''))
  const withStatus = (wanted: string) => outcomes.filter((it) => it?.status === wanted).length
  const final = outcomes.filter((it) => it !== undefined && paymentHasEnded(it.status))
  const completed = withStatus('COMPLETED')
  const inDoubt = withStatus('IN_DOUBT')
  const createdAt = final.map((it) => Date.parse(it!.created_at))
  const finalAt = final.map((it) => Date.parse(it!.updated_at))
  const lastAt = finalAt.reduce((latest, at) => Math.max(latest, at), 0)
  const firstAt = createdAt.reduce((earliest, at) => Math.min(earliest, at), lastAt)
  const spanSeconds = Math.max(1, lastAt - firstAt) / 1_000
  return {
    sent: attempts.length,
    accepted: accepted.length,
    refused: attempts.length - accepted.length - unknown,
    unknown,
    completed,
    failed: withStatus('FAILED'),
    in_doubt: inDoubt,
    lost: accepted.length - final.length - inDoubt,
    duplicated,
    accept_ms: percentiles(accepted.map(({ acceptedMs }) => acceptedMs!)),
    final_ms: percentiles(finalAt.map((at, index) => at - createdAt[index]!)),
    completed_per_second: completed === 0 ? 0 : Math.round((completed / spanSeconds) * 10) / 10,
  }
}
