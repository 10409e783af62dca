import type { System } from '../system/find-system.ts'
import { isFinal } from '../system/payments-api.ts'
import { seedWorld } from '../world/seed-world.ts'
import { countDuplicateCharges, loadOutcomes } from './load-outcomes.ts'
import { percentiles, type Percentiles } from './percentiles.ts'
import { type Attempt, type Progress, sendPayments } from './send-payments.ts'

export type TrafficOptions = { rate: number; seconds: number }

/** What `caudal demo` reports (interfaces.md). */
export type TrafficReport = {
  sent: number
  accepted: number
  /** Answered, and not with a payment. */
  refused: number
  /** Never answered, however often repeated under its key. */
  unknown: number
  completed: number
  failed: number
  in_doubt: number
  lost: number
  /** Null when the PSP's books could not be read. */
  duplicated: number | null
  accept_ms: Percentiles
  final_ms: Percentiles
  completed_per_second: number
}

const ORDERS_PER_USER = 50
/** An accepted payment that is neither final nor in doubt this long after the end is lost. */
const LOST_AFTER_MS = 30_000
const BOOKS_TIMEOUT_MS = 10_000

/** Steady traffic of new users, followed to the end of every payment. */
export async function runTraffic(
  system: System,
  { rate, seconds }: TrafficOptions,
  onProgress?: (progress: Progress) => void,
): Promise<TrafficReport> {
  const count = rate * seconds
  const users = await seedWorld(system, {
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
  const final = outcomes.filter((it) => it !== undefined && isFinal(it.status))
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
