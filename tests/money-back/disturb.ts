import { eventually } from '@caudal/testing/eventually.ts'
import { request } from 'undici'
import { setBehaviour } from '../support/user-client.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

/** How far a play is. */
export type Progress = {
  /** How many requests were answered. */
  acts(): number
  isOver(): boolean
}

/** What the banks do for a while: a behaviour, and whether their callbacks arrive only later. */
export type Phase = { isSilent?: true; behaviour: object }

type Bank = keyof ReturnType<PlayedSystem['at']>['banks']

const BANKS: readonly Bank[] = ['main', 'asyncbank']
const NEXT_MS = 300_000
const REACHED_MS = 120_000
/** Nothing listens on the port for discarded data. */
const NOWHERE = 'http://127.0.0.1:9/'

/** Changes what the banks do, after every so many acts of the play, until it is over. */
export async function misbehave(
  system: PlayedSystem,
  { phases, every, seed }: { phases: readonly Phase[]; every: number; seed: number },
  progress: Progress,
): Promise<void> {
  const speaks = phases.some(({ isSilent }) => isSilent) ? await receiverOf(system) : undefined
  let isOver = false
  for (let turn = 0; !isOver; turn += 1) {
    const { behaviour, isSilent = false } = phases[turn % phases.length]!
    await behave(system, { ...behaviour, seed: seed + turn })
    await speaks?.(!isSilent)
    isOver = !(await reaches(progress, (turn + 1) * every))
  }
  await speaks?.(true)
}

/** Sets the behaviour of both banks, also while they are killed and started. */
export async function behave(system: PlayedSystem, behaviour: object): Promise<void> {
  await atBanks(`a bank behaves as ${JSON.stringify(behaviour)}`, (bank) =>
    setBehaviour(system.at().banks[bank], behaviour),
  )
}

/** Sends the callbacks of both banks to where they go now, or nowhere until they go there again. */
async function receiverOf(system: PlayedSystem): Promise<(speaks: boolean) => Promise<void>> {
  const urlOf = (bank: Bank): string => `${system.at().banks[bank]}/admin/callbacks`
  const receivers = new Map<Bank, string>()
  for (const bank of BANKS) {
    const { body } = await request(urlOf(bank))
    receivers.set(bank, ((await body.json()) as { url: string }).url)
  }
  return (speaks) =>
    atBanks(speaks ? 'callbacks arrive' : 'callbacks do not arrive', async (bank) => {
      const { statusCode, body } = await request(urlOf(bank), {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ url: speaks ? receivers.get(bank) : NOWHERE }),
      })
      await body.dump()
      if (statusCode !== 200) throw new Error(`${bank} answered ${statusCode}`)
    })
}

/** Does it at both banks, which may be down. */
async function atBanks(label: string, act: (bank: Bank) => Promise<void>): Promise<void> {
  for (const bank of BANKS) {
    const done = async (): Promise<true> => {
      await act(bank)
      return true
    }
    await eventually(done, { timeoutMs: REACHED_MS, label: `${bank}: ${label}` })
  }
}

/**
 * Crashes after about every so many acts, until the play is over: after the same ones for the same
 * random numbers, however long a crash takes. Sums what was under way.
 */
export async function crashAgain(
  system: PlayedSystem,
  { every, random }: { every: number; random: () => number },
  progress: Progress,
): Promise<Counts> {
  const sums: Counts = {}
  for (let goal = 0; ;) {
    goal += Math.ceil(every * (0.5 + random()))
    if (!(await reaches(progress, goal))) return sums
    for (const [what, count] of Object.entries(await system.crash(random, progress.isOver))) {
      sums[what] = (sums[what] ?? 0) + count
    }
  }
}

/** Waits for so many acts; false if the play is over. */
async function reaches(progress: Progress, goal: number): Promise<boolean> {
  await eventually(() => progress.isOver() || progress.acts() >= goal, {
    timeoutMs: NEXT_MS,
    label: `the play makes ${goal} acts`,
  })
  return !progress.isOver()
}
