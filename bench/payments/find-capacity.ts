/** What a probe at one rate found. */
export type Probe = { accepted: boolean; perSecond: number }

const FIRST_RATE = 100
const GROWTH = 1.4
/** A rate is held if the payments ended nearly as fast as they were sent. */
const HELD = 0.8

/**
 * Finds the rate of payments per second that the system holds, by open-loop probes at rising rates.
 * A rate is held if every request was accepted and the payments ended at 0.8 of the rate or faster,
 * with the time that the last ones took counted. One that is not held is probed once more, since
 * other work on the machine may have delayed it. Returns the highest throughput of all probes.
 */
export async function findCapacity(probe: (rate: number) => Promise<Probe>): Promise<number> {
  let best = 0
  async function holds(rate: number): Promise<boolean> {
    const { accepted, perSecond } = await probe(rate)
    best = Math.max(best, perSecond)
    return accepted && perSecond >= HELD * rate
  }
  let rate = FIRST_RATE
  while ((await holds(rate)) || (await holds(rate))) rate = Math.round(rate * GROWTH)
  return Math.max(1, Math.floor(best))
}
