import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '@caudal/simulator-kit/seeded-random.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { dataDirectory } from '../support/launch-system.ts'
import { countIn } from '../support/processes/inspect-processes.ts'
import type { Service } from '../support/processes/plan-processes.ts'
import { type Processes, runProcesses } from '../support/processes/run-processes.ts'
import { seed, setBehaviour, violationsOf } from '../support/user-client.ts'
import { differencesOf, netAtPsp, netInLedger } from './books.ts'
import { playUser, type Stage, type Tally } from './play.ts'

/** What to play. */
export type PlayOptions = {
  seed: number
  users: number
  orders: number
  /** The sources of services with a planted mistake. */
  roots?: Partial<Record<Service, string>>
  env?: NodeJS.ProcessEnv
}

/** What was done, what was found wrong, and how often the faults occurred. */
export type PlayResult = { tally: Tally; violations: string[]; facts: Record<string, number> }

const KILLED: readonly Service[] = ['processor', 'payments']
const KILL_EVERY_MS = 1_500
const PHASE_MS = 3_000
const TOKEN_MS = 60_000
const APPLIED_MS = 60_000
const ENV = {
  CAUDAL_PSP_TIMEOUT: '700ms',
  CAUDAL_PSP_CONNECT_TIMEOUT: '300ms',
  CAUDAL_PSP_RETRY_BASE: '50ms',
  CAUDAL_PSP_FIRST_QUERY: '200ms',
  CAUDAL_PSP_QUERY_MAX: '1s',
  CAUDAL_PSP_CIRCUIT_FAILURE_PERCENT: '99',
  CAUDAL_PSP_ROUTES: JSON.stringify([{ currency: 'EUR', psps: ['asyncbank'] }]),
}
/** What the banks do, in turns: faults of answers, faults of callbacks, and nothing special. */
const PHASES = [
  { default: 'random:0.2', latency_ms: 5 },
  { default: 'random_callbacks:0.3', latency_ms: 5 },
  { default: 'approve', by_operation: { refund: 'random:0.3', void: 'random:0.3' } },
]

/**
 * Plays payments, refunds, cancels and returns at both banks, which misbehave by the seed, while
 * processor and payments are killed again and again. Returns what is wrong when all is quiet.
 */
export async function playMoney(scope: TestScope, options: PlayOptions): Promise<PlayResult> {
  const dataDir = await dataDirectory(scope)
  const { roots = {}, env = {} } = options
  const system = await runProcesses({ dataDir, roots, env: { ...ENV, ...env } })
  scope.after(async () => void (await system.stop()))
  const banks = { main: system.state.psp_url!, asyncbank: system.state.asyncbank_url! }
  const of = { orders: options.orders, balance: '100000.00' }
  const half = Math.ceil(options.users / 2)
  const dollars = await seed(dataDir, { ...of, users: half, currency: 'USD' })
  const euros = await seed(dataDir, { ...of, users: half, currency: 'EUR' })
  const token = await tokenSource(dataDir)
  const tally: Tally = new Map()
  const playing = { over: false }
  const broken = Promise.withResolvers<never>()
  const disturbing = Promise.all([
    misbehave(Object.values(banks), options.seed, playing),
    killAgain(system, seededRandom(options.seed + 1), playing),
  ])
  disturbing.catch((fault: unknown) => broken.reject(fault))
  const stageOf = (bankUrl: string, index: number): Stage => ({
    gatewayUrl: system.state.gateway_url!,
    bankUrl,
    clientToken: token,
    random: seededRandom(options.seed + 100 + index),
  })
  try {
    const playing = Promise.all([
      ...dollars.map((user, index) => playUser(stageOf(banks.main, index), user, tally)),
      ...euros.map((user, index) => playUser(stageOf(banks.asyncbank, 1_000 + index), user, tally)),
    ])
    await Promise.race([playing, broken.promise])
  } finally {
    playing.over = true
  }
  const [, kills] = await disturbing
  for (const url of Object.values(banks)) await setBehaviour(url, { default: 'approve' })
  await factsAreApplied(dataDir)
  const violations = [...(await violationsOf(dataDir)), ...(await violationsIn(dataDir, banks))]
  return { tally, violations, facts: { ...(await factsIn(dataDir)), kills } }
}

/** A token that is made anew before it expires. */
async function tokenSource(dataDir: string): Promise<() => Promise<string>> {
  const system = await findSystem({ dataDir, url: undefined })
  let known: Promise<string> | undefined
  let until = 0
  return () => {
    if (known === undefined || performance.now() > until) {
      until = performance.now() + TOKEN_MS
      known = clientToken(system, 'refunds:write payments:read').then(({ token }) => token)
    }
    return known
  }
}

async function misbehave(urls: string[], seedNumber: number, playing: { over: boolean }) {
  for (let turn = 0; !playing.over; turn += 1) {
    const phase = PHASES[turn % PHASES.length]!
    for (const url of urls) await setBehaviour(url, { ...phase, seed: seedNumber + turn })
    await delay(PHASE_MS) // how long a phase lasts, not a synchronisation
  }
}

/** Kills processor or payments and starts it again, until the play is over. */
async function killAgain(
  system: Processes,
  random: () => number,
  playing: { over: boolean },
): Promise<number> {
  let kills = 0
  while (!playing.over) {
    await delay(KILL_EVERY_MS * (0.5 + random())) // the moment of the crash
    const [process] = system.of(KILLED[Math.floor(random() * KILLED.length)]!)
    await process!.kill()
    kills += 1
    await process!.start()
  }
  return kills
}

/** Waits until every fact of a callback has had its effect: some wait for an outcome. */
async function factsAreApplied(dataDir: string): Promise<void> {
  await eventually(
    async () => (await countIn(dataDir, 'processor', `callbacks WHERE state = 'RECEIVED'`)) === 0,
    { timeoutMs: APPLIED_MS, label: 'every callback is applied' },
  )
}

/** What `caudal verify` does not compare: the books of the banks with the ledger, and the cases. */
async function violationsIn(
  dataDir: string,
  banks: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found: string[] = []
  for (const [psp, url] of Object.entries(banks)) {
    const [there, here] = await Promise.all([netAtPsp(url), netInLedger(dataDir, psp)])
    found.push(...differencesOf(there, here).map((difference) => `${psp}: ${difference}`))
  }
  const exceeding = await countIn(
    dataDir,
    'payments',
    `payments WHERE refunded_minor + pending_minor + returned_minor > amount_minor`,
  )
  if (exceeding > 0) found.push(`${exceeding} payments gave back more than was captured`)
  const pending = await countIn(dataDir, 'payments', `payments WHERE pending_minor <> 0`)
  if (pending > 0) found.push(`${pending} payments have refunds that do not end`)
  const open = await countIn(dataDir, 'payments', `payments WHERE finalized_at IS NULL`)
  if (open > 0) found.push(`${open} payments did not end`)
  const holds = await countIn(dataDir, 'wallets', `holds WHERE status = 'open'`)
  if (holds > 0) found.push(`${holds} holds are open without a reason`)
  found.push(...(await contradictionsWithoutCase(dataDir)))
  return found
}

async function contradictionsWithoutCase(dataDir: string): Promise<string[]> {
  const contradicting = await idsIn(
    dataDir,
    'processor',
    `SELECT DISTINCT payment_id AS id FROM callback_facts
     WHERE state = 'CONTRADICTION' AND payment_id IS NOT NULL`,
  )
  const known = new Set(
    await idsIn(dataDir, 'payments', 'SELECT DISTINCT payment_id AS id FROM cases'),
  )
  return contradicting
    .filter((id) => !known.has(id))
    .map((id) => `the PSP contradicts payment ${id}, and there is no case`)
}

async function idsIn(dataDir: string, database: string, query: string): Promise<string[]> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    return (await admin.query<{ id: string }>(query)).rows.map(({ id }) => id)
  } finally {
    await admin.end()
  }
}

/** How often what is to be survived has happened. */
async function factsIn(dataDir: string): Promise<Record<string, number>> {
  const count = (database: string, what: string) => countIn(dataDir, database, what)
  return {
    'payment in doubt': await count('payments', 'payments WHERE in_doubt_at IS NOT NULL'),
    'payment canceled': await count('payments', `payments WHERE reason = 'canceled'`),
    'refund succeeded': await count('payments', `refunds WHERE status = 'SUCCEEDED'`),
    'refund adopted': await count('payments', `refunds WHERE origin = 'psp'`),
    'return credited': await count('payments', `returns WHERE status = 'CREDITED'`),
    'case opened': await count('payments', 'cases'),
    'callback applied': await count('processor', `callbacks WHERE state = 'APPLIED'`),
    'callback contradicts': await count('processor', `callbacks WHERE state = 'CONTRADICTION'`),
  }
}
