import { setTimeout as delay } from 'node:timers/promises'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { System } from '../system/find-system.ts'
import { completedChargedOnce, failedNotCharged } from './charge-checks.ts'
import { type Check, type CheckResult, type Evidence, listed } from './check.ts'
import { holdsMatchPayments } from './hold-checks.ts'
import { balancesEqualEntries, entriesSumToZero, noOverdraft } from './ledger-checks.ts'
import { notifiedOnce } from './notification-checks.ts'
import { ordersPaidOnce } from './order-checks.ts'
import { nothingParked, outboxDrained } from './outbox-checks.ts'
import { readCharges, readMessages } from './read-books.ts'
import { type Stillness, waitUntilQuiet } from './wait-until-quiet.ts'

export type Verification = { ok: boolean; stillness: Stillness; checks: CheckResult[] }

/** Every check of interfaces.md, in its order, and one for what consumers have put aside. */
export const CHECKS: readonly Check[] = [
  entriesSumToZero,
  balancesEqualEntries,
  noOverdraft,
  holdsMatchPayments,
  completedChargedOnce,
  failedNotCharged,
  ordersPaidOnce,
  notifiedOnce,
  outboxDrained,
  nothingParked,
]

const SECOND_LOOK_MS = 1_500

/**
 * Waits until nothing moves, then runs every check on the databases and the simulators' own books,
 * never on what a service says of itself (P14).
 */
export async function verifySystem(
  system: System,
  waitMs: number,
  secondLookMs = SECOND_LOOK_MS,
): Promise<Verification> {
  const open = (service: string): Db =>
    createPool({
      url: system.databaseUrl(`caudal_${service}`),
      applicationName: 'caudal-verify',
      max: 3,
    })
  const databases = {
    payments: open('payments'),
    wallets: open('wallets'),
    processor: open('processor'),
    notifications: open('notifications'),
    orders: open('orders'),
    identity: open('identity'),
  }
  try {
    const stillness = await waitUntilQuiet(databases, waitMs)
    const evidence = { ...databases, still: stillness !== 'moving' }
    let checks = await runChecks(system, evidence)
    // The databases are read one after the other: what only moved in between is gone at the second
    // look, what is wrong stays wrong.
    if (!isClean(checks)) {
      await delay(secondLookMs)
      checks = await runChecks(system, evidence)
    }
    return { ok: isClean(checks), stillness, checks }
  } finally {
    await Promise.all(Object.values(databases).map((db) => db.end()))
  }
}

async function runChecks(
  system: System,
  known: Omit<Evidence, 'charges' | 'messages'>,
): Promise<CheckResult[]> {
  const charges = await readCharges(system)
  const messages = await readMessages(system)
  const checks: CheckResult[] = []
  for (const { name, run } of CHECKS) {
    const { checked, violations } = await run({ ...known, charges, messages })
    checks.push({ name, checked, violations: listed(violations) })
  }
  return checks
}

function isClean(checks: readonly CheckResult[]): boolean {
  return checks.every(({ violations }) => violations.length === 0)
}
