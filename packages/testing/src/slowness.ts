import { availableParallelism, loadavg } from 'node:os'

const ROUNDS = 2_000_000
/** What the rounds take on an idle core of the kind that docs/guides/performance.md names. */
const USUAL_MS = 8
const MOST = 10

/**
 * Measures how many times slower this machine is now than an idle one of the usual kind, from 1 to
 * 10: by a piece of work, and by the processes that wait for each core. Limits of waits follow it.
 * Blocks for about 8 ms, more on a slow machine.
 */
export function slowness(): number {
  const startedAt = performance.now()
  work()
  const spun = performance.now() - startedAt
  const queued = loadavg()[0]! / availableParallelism()
  return Math.min(MOST, Math.max(1, spun / USUAL_MS, queued))
}

function work(): number {
  let sum = 0
  for (let round = 0; round < ROUNDS; round += 1) sum = (sum + round) | 0
  return sum
}
