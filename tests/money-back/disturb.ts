import { eventually } from '@caudal/testing/eventually.ts'
import { setBehaviour } from '../support/user-client.ts'
import type { Counts, PlayedSystem } from './played-system.ts'

/** How far a play is. */
export type Progress = {
  /** How many requests were answered. */
  acts(): number
  isOver(): boolean
}

const NEXT_MS = 300_000
const REACHED_MS = 120_000

/** Changes what the banks do, after every so many acts of the play. */
export async function misbehave(
  system: PlayedSystem,
  { phases, every, seed }: { phases: readonly object[]; every: number; seed: number },
  progress: Progress,
): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    await behave(system, { ...phases[turn % phases.length], seed: seed + turn })
    if (!(await reaches(progress, (turn + 1) * every))) return
  }
}

/** Sets the behaviour of both banks, also while they are killed and started. */
export async function behave(system: PlayedSystem, behaviour: object): Promise<void> {
  for (const psp of ['main', 'asyncbank'] as const) {
    const set = async () => {
      await setBehaviour(system.at().banks[psp], behaviour)
      return true
    }
    await eventually(set, { timeoutMs: REACHED_MS, label: `${psp} changes its behaviour` })
  }
}

/** Crashes after about every so many acts, until the play is over. Sums what was under way. */
export async function crashAgain(
  system: PlayedSystem,
  { every, random }: { every: number; random: () => number },
  progress: Progress,
): Promise<Counts> {
  const sums: Counts = {}
  for (let goal = 0; ;) {
    goal = Math.max(goal, progress.acts()) + Math.ceil(every * (0.5 + random()))
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
