import { setTimeout as delay } from 'node:timers/promises'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { System } from '../system/find-system.ts'
import { balancesEqualEntries } from './balance-check.ts'
import { completedChargedOnce, failedNotCharged } from './charge-checks.ts'
import {
  type Check,
  type CheckResult,
  type Databases,
  type Evidence,
  listed,
  LOOKED_INTO,
} from './check.ts'
import { holdsMatchPayments } from './hold-checks.ts'
import { notifiedOnce } from './notification-checks.ts'
import { ordersPaidOnce } from './order-checks.ts'
import { nothingParked, outboxDrained } from './outbox-checks.ts'
import { noOverdraft } from './overdraft-check.ts'
import { readCharges, readMessages } from './read-books.ts'
import { ledgerIsTold } from './told-check.ts'
import { entriesSumToZero } from './transfer-check.ts'
import { type Stillness, waitUntilQuiet } from './wait-until-quiet.ts'

export type Verification = { ok: boolean; stillness: Stillness; checks: CheckResult[] }

/** Every check of interfaces.md, in its order, and those that were added since (ADR 0011). */
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
  ledgerIsTold,
]

const SECOND_LOOK_MS = 1_500
const CHECKS_AT_ONCE = 2
/** As many as run statements at once: none may wait for its connection as long as another runs. */
const MAX_CONNECTIONS = 8

/**
 * Waits until nothing moves, then runs every check on the databases and the simulators' own books,
 * never on what a service says of itself (P14). Of a system of some services only, `caudal start
 * wallets identity`, it checks what is there and says what is not.
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
      max: MAX_CONNECTIONS,
    })
  const databases: Databases = {}
  for (const name of LOOKED_INTO) if (system.runs(name)) databases[name] = open(name)
  try {
    const stillness = await waitUntilQuiet(databases, waitMs)
    const still = stillness !== 'moving'
    let checks = await runChecks(system, databases, still)
    // The databases are read one after the other: what only moved in between is gone at the second
    // look, what is wrong stays wrong.
    if (!isClean(checks)) {
      await delay(secondLookMs)
      checks = await runChecks(system, databases, still)
    }
    return { ok: isClean(checks), stillness, checks }
  } finally {
    await Promise.all(Object.values(databases).map((db) => db.end()))
  }
}

/** Checks that need something which the system does not run are named, and look at nothing. */
async function runChecks(
  system: System,
  databases: Databases,
  still: boolean,
): Promise<CheckResult[]> {
  const charges = system.runs('psp') ? await readCharges(system) : new Map()
  const messages = system.runs('push') ? await readMessages(system) : new Map()
  const evidence = { ...databases, charges, messages, still } as Evidence
  const checks: CheckResult[] = []
  // From the last one on, which takes about as long as all others together.
  let left = CHECKS.length
  const runNext = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const place = left
      checks[place] = await runCheck(CHECKS[place]!, system, evidence)
    }
  }
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, runNext))
  return checks
}

async function runCheck(check: Check, system: System, evidence: Evidence): Promise<CheckResult> {
  const { name, needs, run } = check
  const skipped = needs.filter((source) => !system.runs(source))
  if (skipped.length > 0) return { name, checked: 0, violations: [], skipped }
  const { checked, violations } = await run(evidence)
  return { name, checked, violations: listed(violations) }
}

function isClean(checks: readonly CheckResult[]): boolean {
  return checks.every(({ violations }) => violations.length === 0)
}
