import type { TestContext } from 'node:test'
import { seedOf } from '../../money-back/assert-money-kept.ts'
import { behave } from '../../money-back/disturb.ts'
import { type CrashSystem, discoverPoints, killAtPoints } from './crash-system.ts'
import { violationsAtTheEnd } from './everything-ended.ts'
import { startMixedLoad } from './mixed-load.ts'
import type { ServicePoints } from './service-points.ts'

/** After the restart of the services. */
const ENDED_MS = 60_000
/** So that payments, refunds and voids are in doubt too, and callbacks are of use. */
const MISBEHAVIOUR = {
  default: 'random:0.2',
  by_operation: { refund: 'random:0.3', void: 'random:0.3' },
  latency_ms: 5,
}

/**
 * Kills each service at each of its points under a mixed load, then starts them without a crash
 * point. Returns what is wrong: points that were not reached, and what has not ended well.
 */
export async function killAtBoundaries(
  t: TestContext,
  system: CrashSystem,
  points: ServicePoints,
  endedMs = ENDED_MS,
): Promise<string[]> {
  return underLoad(t, system, endedMs, () =>
    killAtPoints(system, points, (line) => t.diagnostic(line)),
  )
}

/** The points that the services reach under a mixed load. Fails if there is one that none does. */
export async function reachedPoints(t: TestContext, system: CrashSystem): Promise<ServicePoints> {
  let points: ServicePoints = {}
  const violations = await underLoad(t, system, ENDED_MS, async () => {
    points = await discoverPoints(system)
    return []
  })
  if (violations.length > 0) throw new Error(violations.join('\n'))
  return points
}

async function underLoad(
  t: TestContext,
  system: CrashSystem,
  endedMs: number,
  disturb: () => Promise<string[]>,
): Promise<string[]> {
  const { played } = system
  const seed = seedOf(t)
  await behave(played, { ...MISBEHAVIOUR, seed })
  const load = startMixedLoad(played, seed)
  const missed = await disturb()
  const restartedAt = performance.now()
  await behave(played, { default: 'approve' })
  const violations = await violationsAtTheEnd(system, load, endedMs)
  t.diagnostic(`checked ${Math.round(performance.now() - restartedAt)} ms after the restart`)
  for (const [what, count] of load.tally) t.diagnostic(`${count} × ${what}`)
  return [...missed, ...violations]
}
