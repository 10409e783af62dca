import { availableParallelism, loadavg } from 'node:os'

const ROUNDS = 2_000_000
/** What the rounds take on an idle core of the kind that docs/guides/performance.md names. */
const USUAL_MS = 8
const MOST = 10

/** How busy a machine is. */
export interface Load {
  /** How long a fixed piece of work took, in milliseconds. */
  workMs: number
  /** The processes that run or wait, for each core. */
  perCore: number
}

/**
 * How many times slower this machine is now than an idle one of the usual kind, from 1 to 10. The
 * limits of waits in tests are multiplied by it. Blocks for about 8 ms, more on a slow machine.
 */
export function slowness({ workMs, perCore }: Load = measureLoad()): number {
  return Math.min(MOST, Math.max(1, workMs / USUAL_MS, perCore))
}

function measureLoad(): Load {
  const startedAt = performance.now()
  work()
  const workMs = performance.now() - startedAt
  return { workMs, perCore: loadavg()[0]! / availableParallelism() }
}

function work(): number {
  let sum = 0
  for (let round = 0; round < ROUNDS; round += 1) sum = (sum + round) | 0
  return sum
}
