import { seededRandom } from '@caudal/simulator-kit/seeded-random.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { seed } from '../support/user-client.ts'
import { happenedIn, violationsOfMoney } from './check-money.ts'
import { behave, crashAgain, misbehave, type Progress } from './disturb.ts'
import { playUser, type Stage, type Tally } from './play.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

/** What to play. Half of the users pay at each bank. */
export type Play = {
  seed: number
  users: number
  orders: number
  /** How many acts there are between two crashes, on average. */
  crashEvery: number
  /** How long the banks take to answer, at least; 5 by default. */
  latencyMs?: number
  /** What the banks do of their own accord, and report by callbacks only, is left out. */
  withoutCallbacks?: boolean
}

/** What was done, what was found wrong, and how often the faults occurred. */
export type PlayResult = { tally: Tally; violations: string[]; facts: Counts }

const PHASE_EVERY = 40
const TOKEN_MS = 60_000
const CALLBACK_FAULTS = { default: 'random_callbacks:0.3' }
/**
 * What the banks do, in turns: faults of answers, faults of callbacks, answers about refunds, and a
 * status query that does not find what the bank has.
 */
const PHASES = [
  { default: 'random:0.2' },
  CALLBACK_FAULTS,
  { default: 'approve', by_operation: { refund: 'random:0.3', void: 'random:0.3' } },
  { default: 'random:0.2', by_operation: { query: 'forget_keys' } },
]

/**
 * Plays payments, refunds, cancels and returns at both banks, which misbehave by the seed, while
 * the system crashes again and again. Returns what is wrong when all is quiet.
 */
export async function playMoney(system: PlayedSystem, play: Play): Promise<PlayResult> {
  const { dataDir } = system
  const of = { orders: play.orders, balance: '100000.00', users: Math.ceil(play.users / 2) }
  const dollars = await seed(dataDir, { ...of, currency: 'USD' })
  const euros = await seed(dataDir, { ...of, currency: 'EUR' })
  const token = tokenSource(dataDir)
  const tally: Tally = new Map()
  let isOver = false
  const progress: Progress = {
    acts: () => [...tally.values()].reduce((sum, count) => sum + count, 0),
    isOver: () => isOver,
  }
  const stageOf = (psp: 'main' | 'asyncbank', index: number): Stage => ({
    gatewayUrl: () => system.at().gatewayUrl,
    bankUrl: () => system.at().banks[psp],
    clientToken: token,
    atConsole: !play.withoutCallbacks,
    random: seededRandom(play.seed + 100 + index),
  })
  const chosen = PHASES.filter((phase) => !play.withoutCallbacks || phase !== CALLBACK_FAULTS)
  const phases = chosen.map((phase) => ({ ...phase, latency_ms: play.latencyMs ?? 5 }))
  const crashing = { every: play.crashEvery, random: seededRandom(play.seed + 1) }
  const disturbing = Promise.all([
    misbehave(system, { phases, every: PHASE_EVERY, seed: play.seed }, progress),
    crashAgain(system, crashing, progress),
  ])
  const playing = Promise.all([
    ...dollars.map((user, index) => playUser(stageOf('main', index), user, tally)),
    ...euros.map((user, index) => playUser(stageOf('asyncbank', 1_000 + index), user, tally)),
  ])
  try {
    // A fault of either ends both.
    await Promise.race([playing, disturbing.then(() => playing)])
  } finally {
    isOver = true
  }
  const [, crashes] = await disturbing
  await behave(system, { default: 'approve' })
  const violations = await violationsOfMoney(system)
  return { tally, violations, facts: { ...(await happenedIn(dataDir)), ...crashes } }
}

/** A token that is made anew before it expires, and after a crash. */
function tokenSource(dataDir: string): () => Promise<string> {
  let known: Promise<string> | undefined
  let until = 0
  const make = async (): Promise<string> => {
    const system = await findSystem({ dataDir, url: undefined })
    return (await clientToken(system, 'refunds:write payments:read')).token
  }
  return () => {
    if (known === undefined || performance.now() > until) {
      until = performance.now() + TOKEN_MS
      known = make()
      known.catch(() => (known = undefined))
    }
    return known
  }
}
