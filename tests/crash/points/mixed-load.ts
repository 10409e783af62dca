import { seededRandom } from '@caudal/simulator-kit/seeded-random.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { tokenSource } from '../../money-back/play-money.ts'
import { playUser, type Stage, type Tally } from '../../money-back/play.ts'
import type { PlayedSystem } from '../../money-back/played-system.ts'
import { seed, type SeededUser } from '../../support/user-client.ts'
import { actAsOperator } from './act-as-operator.ts'

/** Users who are created, pay, and get money back, while processes die. */
export type MixedLoad = {
  tally: Tally
  /** Nobody begins any more. */
  stop(): void
  /** How many users have not finished. Throws if one could not. */
  players(): number
}

const PLAYERS = [
  { psp: 'main', currency: 'USD' },
  { psp: 'asyncbank', currency: 'EUR' },
  { psp: 'main', currency: 'USD' },
  { psp: 'asyncbank', currency: 'EUR' },
] as const
const ORDERS = 2
const CREATED_MS = 120_000

/** Players at both banks; each plays one new user after the other. */
export function startMixedLoad(system: PlayedSystem, seedNumber: number): MixedLoad {
  const tally: Tally = new Map()
  const clientToken = tokenSource(system.dataDir)
  let players: number = PLAYERS.length
  let isStopping = false
  let fault: unknown
  const play = async ({ psp, currency }: (typeof PLAYERS)[number], index: number) => {
    const stage: Stage = {
      gatewayUrl: () => system.at().gatewayUrl,
      bankUrl: () => system.at().banks[psp],
      clientToken,
      atConsole: true,
      random: seededRandom(seedNumber + index),
    }
    while (!isStopping) await playUser(stage, await newUser(system, currency), tally)
    players -= 1
  }
  Promise.all(PLAYERS.map(play)).catch((error: unknown) => (fault = error))
  return {
    tally,
    stop: () => void (isStopping = true),
    players() {
      if (fault !== undefined) throw new Error('a user could not go on', { cause: fault })
      return players
    },
  }
}

/** A user with orders and money, for whom an operator acts. */
function newUser({ dataDir }: PlayedSystem, currency: string): Promise<SeededUser> {
  const create = async (): Promise<SeededUser> => {
    const [user] = await seed(dataDir, { orders: ORDERS, balance: '1000.00', currency })
    await actAsOperator(dataDir, user!)
    return user!
  }
  return eventually(create, { timeoutMs: CREATED_MS, label: 'a user is created' })
}
