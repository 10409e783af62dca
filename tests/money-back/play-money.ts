import { seededRandom } from '@caudal/simulator-kit/seeded-random.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import { seed } from '../support/user-client.ts'
import { happenedIn, violationsOfMoney } from './check-money.ts'
import { behave, crashAgain, misbehave, type Phase, type Progress } from './disturb.ts'
import { playUser, type Stage, type Tally } from './play.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

/** What to play. Half of the users pay at each bank. */
export type Play = {
  seed: number
  users: number
  orders: number
  /** How many acts there are between two crashes, on average. */
  crashEvery: number
  /** What each user has, who may run out of money; enough for everything by default. */
  balance?: string
  /** What the banks do, in turns; every kind of misbehaviour by default. */
  phases?: readonly Phase[]
  /** How long the banks take to answer, at least; 5 by default. */
  latencyMs?: number
  /** What the banks do of their own accord, and report by callbacks only, is left out. */
  withoutCallbacks?: boolean
}

/** What was done, what was found wrong, and how often the faults occurred. */
export type PlayResult = { tally: Tally; violations: string[]; facts: Counts }

const LEAST_PHASE = 40
const TOKEN_MS = 60_000
/** Lost answers, of which a status query finds nothing: neither proves that nothing moved. */
export const LOST_ANSWERS: Phase = {
  behaviour: { default: 'random:0.4', by_operation: { query: 'forget_keys' } },
}
/** What the banks do, in turns. */
const PHASES: readonly Phase[] = [
  { behaviour: { default: 'random:0.2' } },
  { behaviour: { default: 'random_callbacks:0.3' } },
  { behaviour: { by_operation: { refund: 'random:0.3', void: 'random:0.3' } } },
  LOST_ANSWERS,
  { behaviour: { by_operation: { refund: 'reverse_after_success' } } },
  { behaviour: { by_operation: { pay: 'decline' } } },
]
/** With one after which refunds are reversed whose money may have been spent. */
export const PHASES_OF_MANY: readonly Phase[] = [
  ...PHASES,
  { behaviour: { by_operation: { refund: 'reverse_after_success' } }, isSilent: true },
]

/**
 * Plays payments, refunds, cancels and returns at both banks, which misbehave by the seed, while
 * the system crashes again and again. Returns what is wrong when all is quiet.
 *
 * The seed replays what each user asks for and in which order, the faults that each bank draws in
 * each phase, after how many answered requests a phase ends or something is killed, and what is.
 * How the requests of the users interleave, so which of them gets a fault or is cut off by a kill,
 * is up to the machine.
 */
export async function playMoney(system: PlayedSystem, play: Play): Promise<PlayResult> {
  const { dataDir } = system
  const { orders, balance = '100000.00', latencyMs = 5 } = play
  const of = { orders, balance, users: Math.ceil(play.users / 2) }
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
  const phases = (play.phases ?? PHASES).map((phase): Phase => ({
    ...phase,
    behaviour: { ...phase.behaviour, latency_ms: latencyMs },
  }))
  // Each user asks for something in each phase.
  const every = Math.max(LEAST_PHASE, play.users)
  const crashing = { every: play.crashEvery, random: seededRandom(play.seed + 1) }
  const disturbing = Promise.all([
    misbehave(system, { phases, every, seed: play.seed }, progress),
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
export function tokenSource(dataDir: string): () => Promise<string> {
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
