import { setTimeout as delay } from 'node:timers/promises'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { System } from '../system/find-system.ts'
import { balancesEqualEntries } from './balance-check.ts'
import { completedChargedOnce, failedNotCharged } from './charge-checks.ts'
import {
  type Check,
  type CheckReport,
  type Databases,
  type CheckInput,
  truncated,
  DATABASES,
} from './check.ts'
import { correctionsBounded } from './correction-check.ts'
import { eventsMatchLedger } from './event-check.ts'
import { holdsMatchPayments } from './hold-checks.ts'
import { notifiedOnce } from './notification-checks.ts'
import { ordersPaidOnce } from './order-checks.ts'
import { nothingParked, outboxDrained } from './outbox-checks.ts'
import { noOverdraft } from './overdraft-check.ts'
import { readCharges, readMessages } from './read-simulators.ts'
import { entriesSumToZero } from './transfer-check.ts'
import { type Activity, waitUntilIdle } from './wait-until-idle.ts'

/** The results of all checks; `ok` if there are no violations. */
export type Verification = { ok: boolean; activity: Activity; checks: CheckReport[] }

/** All checks, in the order in which they are reported. */
export const CHECKS: readonly Check[] = [
  entriesSumToZero,
  balancesEqualEntries,
  noOverdraft,
  correctionsBounded,
  holdsMatchPayments,
  completedChargedOnce,
  failedNotCharged,
  ordersPaidOnce,
  notifiedOnce,
  outboxDrained,
  nothingParked,
  eventsMatchLedger,
]

const SECOND_RUN_DELAY_MS = 1_500
const CHECKS_AT_ONCE = 2
/** Enough for all statements that run at once, so that none waits for a connection. */
const MAX_CONNECTIONS = 8

/**
 * Waits until the system is idle, then runs all checks on the databases and the simulators'
 * records, never on what a service reports (P14). In a system of some services, such as `caudal
 * start wallets identity`, checks that need other services are skipped.
 */
export async function verifySystem(
  system: System,
  waitMs: number,
  secondRunDelayMs = SECOND_RUN_DELAY_MS,
): Promise<Verification> {
  const open = (service: string): Db =>
    createPool({
      url: system.databaseUrl(`caudal_${service}`),
      applicationName: 'caudal-verify',
      max: MAX_CONNECTIONS,
    })
  const databases: Databases = {}
  for (const name of DATABASES) if (system.runs(name)) databases[name] = open(name)
  try {
    const activity = await waitUntilIdle(databases, waitMs)
    const isIdle = activity !== 'busy'
    let checks = await runChecks(system, databases, isIdle)
    // The databases are read at different times, so changes in between can look like violations. A
    // second run reports only real ones.
    if (!isClean(checks)) {
      await delay(secondRunDelayMs)
      checks = await runChecks(system, databases, isIdle)
    }
    return { ok: isClean(checks), activity, checks }
  } finally {
    await Promise.all(Object.values(databases).map((db) => db.end()))
  }
}

/** Runs all checks; skips those that need services which the system does not run. */
async function runChecks(
  system: System,
  databases: Databases,
  isIdle: boolean,
): Promise<CheckReport[]> {
  const charges = system.runs('psp') ? await readCharges(system) : new Map()
  const messages = system.runs('push') ? await readMessages(system) : new Map()
  const input = { ...databases, charges, messages, isIdle } as CheckInput
  const checks: CheckReport[] = []
  // Starts with the last one, which takes about as long as all others together.
  let left = CHECKS.length
  const runNext = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const place = left
      checks[place] = await runCheck(CHECKS[place]!, system, input)
    }
  }
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, runNext))
  return checks
}

async function runCheck(check: Check, system: System, input: CheckInput): Promise<CheckReport> {
  const { name, needs, run } = check
  const skipped = needs.filter((source) => !system.runs(source))
  if (skipped.length > 0) return { name, checked: 0, violations: [], skipped }
  const { checked, violations } = await run(input)
  return { name, checked, violations: truncated(violations) }
}

function isClean(checks: readonly CheckReport[]): boolean {
  return checks.every(({ violations }) => violations.length === 0)
}
