import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { CrashSystem } from './crash-system.ts'
import { killAtBoundaries, reachedPoints } from './kill-at-boundaries.ts'
import { inParts } from './service-points.ts'

/** How often each service dies before everything must end. */
const AT_ONCE = 8

/** Kills each service at each boundary that it has. Fails for one that no service reaches. */
export async function killAtEveryBoundary(t: TestContext, system: CrashSystem): Promise<void> {
  const points = await reachedPoints(t, system)
  t.diagnostic(JSON.stringify(points))
  for (const part of inParts(points, AT_ONCE)) {
    assert.deepEqual(await killAtBoundaries(t, system, part), [])
  }
}
