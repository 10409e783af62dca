import { setTimeout as delay } from 'node:timers/promises'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { readClock } from '@caudal/postgres/read-clock.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { RefusedError } from '../errors.ts'
import type { System } from '../system/find-system.ts'
import { balancesEqualEntries } from './balance-check.ts'
import { refundsWithinCaptured } from './came-back/bounds-check.ts'
import { callbacksAppliedOnce } from './came-back/callback-check.ts'
import { refundsChargedOnce } from './came-back/refund-check.ts'
import { returnsCreditedOnce } from './came-back/return-check.ts'
import { completedChargedOnce, failedNotCharged } from './charge-checks.ts'
import {
  type Check,
  type CheckInput,
  type Databases,
  DATABASES,
  type PaymentCheck,
  type CheckSource,
} from './check.ts'
import { type Checkpoint, findPosition } from './checkpoint.ts'
import { correctionsBounded } from './correction-check.ts'
import { findChange, readDigests } from './digests.ts'
import { eventsMatchLedger } from './event-check.ts'
import { type CheckReport, type Finding, reportOf } from './findings.ts'
import { holdsMatchPayments } from './hold-checks.ts'
import { notifiedOnce } from './notification-checks.ts'
import { type Open, readOpenPayments } from './open-payments.ts'
import { ordersPaidOnce } from './order-checks.ts'
import { nothingParked, outboxDrained } from './outbox-checks.ts'
import { noOverdraft } from './overdraft-check.ts'
import { runPaymentChecks } from './run-payment-checks.ts'
import { clientSpending } from './spending-check.ts'
import { entriesSumToZero } from './transfer-check.ts'
import { type Activity, observe, waitUntilIdle } from './wait-until-idle.ts'

/** The results of all checks; `ok` if there are no violations. */
export type Verification = {
  ok: boolean
  activity: Activity
  checks: CheckReport[]
  /** Payments that are not final; undefined where the system has no payments. */
  open: Open | undefined
  /** What this run proved, if it was asked for and there are no violations. */
  checkpoint?: Checkpoint
}

/** How to verify; all optional. */
export type VerifyOptions = {
  /** Builds on an earlier run: checks what came since. */
  since?: Checkpoint | undefined
  /** Makes a checkpoint. */
  mark?: boolean
  /** How long after a recent difference it is looked for again, in milliseconds. */
  confirmAfterMs?: number
}

/** All checks in the order of their cost, in which they run and are reported. */
export const CHECKS: readonly (Check | PaymentCheck)[] = [
  nothingParked,
  outboxDrained,
  ordersPaidOnce,
  completedChargedOnce,
  failedNotCharged,
  notifiedOnce,
  holdsMatchPayments,
  refundsWithinCaptured,
  refundsChargedOnce,
  returnsCreditedOnce,
  callbacksAppliedOnce,
  correctionsBounded,
  clientSpending,
  noOverdraft,
  balancesEqualEntries,
  entriesSumToZero,
  eventsMatchLedger,
]

/** What changed within this time may be under way. */
const RECENT_MS = 30_000
const CONFIRM_AFTER_MS = 1_500
/** Enough for all statements that run at once, so that none waits for a connection. */
const MAX_CONNECTIONS = 8

/**
 * Waits until the system is idle, then runs all checks on the databases and the simulators'
 * records, never on what a service reports (P14). In a system of some services, such as `caudal
 * start wallets identity`, checks that need other services are skipped. With no time to wait, a
 * difference between things that changed a moment ago is under way, unless nothing moves.
 */
export async function verifySystem(
  system: System,
  waitMs: number,
  options: VerifyOptions = {},
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
    return await verifyDatabases(system, databases, waitMs, options)
  } finally {
    await Promise.all(Object.values(databases).map((db) => db.end()))
  }
}

async function verifyDatabases(
  system: System,
  databases: Databases,
  waitMs: number,
  { since, mark = false, confirmAfterMs = CONFIRM_AFTER_MS }: VerifyOptions,
): Promise<Verification> {
  const waited = await waitUntilIdle(databases, waitMs)
  const before = await observe(databases)
  const input = await inputOf(system, databases)
  const runs = (source: CheckSource): boolean => system.runs(source)
  if (since !== undefined) {
    const now = await readDigests(input, since.position, runs)
    refuseChanged(since, await findChange(input, since.digests, now))
    input.since = since.position
  }
  const position = mark ? await findPosition(databases, waited === 'idle') : undefined
  const digests = position && (await readDigests(input, position, runs))

  const checks = CHECKS.filter(({ needs }) => needs.every(runs))
  const found = await runChecks(input, checks)
  const isStill = async (): Promise<boolean> =>
    (await observe(databases)).snapshot === before.snapshot
  let still = await isStill()
  const recent = checks.filter(({ name }) => found.get(name)?.recent)
  if (still && recent.length > 0) {
    // What a moment ago was under way may have arrived: only what stays is a violation.
    await delay(confirmAfterMs)
    for (const [name, finding] of await runChecks(input, recent)) found.set(name, finding)
    still = await isStill()
  }
  const reports = CHECKS.map(({ name, needs }): CheckReport => {
    const finding = found.get(name)
    if (finding !== undefined) return reportOf(name, finding, still)
    const skipped = needs.filter((source) => !runs(source))
    return { name, checked: 0, violations: [], violation_count: 0, skipped }
  })
  const ok = reports.every(({ violation_count: violations }) => violations === 0)
  return {
    ok,
    activity: waited ?? activityOf(still, before.busy),
    checks: reports,
    open: databases.payments && (await readOpenPayments(databases.payments)),
    ...(ok &&
      position &&
      digests && { checkpoint: { madeAt: input.startedAt.toISOString(), position, digests } }),
  }
}

function activityOf(still: boolean, busy: boolean): Activity {
  if (!still) return 'busy'
  return busy ? 'stuck' : 'idle'
}

async function inputOf(
  system: System,
  databases: Databases,
): Promise<CheckInput & { startedAt: Date }> {
  const [first] = Object.values(databases)
  const startedAt = first === undefined ? new Date() : await readClock(first)
  return {
    ...(databases as Required<Databases>),
    pspUrl: system.runs('psp') ? system.pspUrl : '',
    asyncbankUrl: system.runs('asyncbank') ? system.asyncbankUrl : '',
    pushUrl: system.runs('push') ? system.pushUrl : '',
    startedAt,
    recentFrom: new Date(startedAt.getTime() - RECENT_MS),
  }
}

function refuseChanged({ madeAt }: Checkpoint, change: string | undefined): void {
  if (change === undefined) return
  throw new RefusedError(
    `the checkpoint of ${madeAt} does not hold any more, so nothing can build on it. ${change}. ` +
      'Run "caudal verify" without --since: it checks everything and names what is wrong.',
  )
}

/**
 * Runs the checks, two at once: one worker begins with the cheapest, the other with the most
 * expensive one. Those of payments share one walk.
 */
async function runChecks(
  input: CheckInput,
  checks: readonly (Check | PaymentCheck)[],
): Promise<Map<string, Finding>> {
  const found = new Map<string, Finding>()
  const ofPayments = checks.filter((check): check is PaymentCheck => 'look' in check)
  const walk = async (): Promise<void> => {
    const findings = await runPaymentChecks(input, ofPayments)
    ofPayments.forEach(({ name }, place) => found.set(name, findings[place]!))
  }
  const jobs = checks.flatMap((check) => {
    if (check === ofPayments[0]) return walk
    if ('look' in check) return []
    return async () => void found.set(check.name, await check.run(input))
  })
  const work = async (next: () => (() => Promise<void>) | undefined): Promise<void> => {
    for (let job = next(); job !== undefined; job = next()) await job()
  }
  await Promise.all([work(() => jobs.shift()), work(() => jobs.pop())])
  return found
}
