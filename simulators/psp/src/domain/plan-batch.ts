import { behaviourText, type Behaviour } from './behaviour.ts'
import { countsFaults, type Outcome, planOutcome } from './plan-outcome.ts'

/** A request for a payment with the behaviour it met. */
export interface Arrival {
  paymentId: string
  behaviour: Exclude<Behaviour, { kind: 'random' }>
}

/** Names the counter of a behaviour that refuses a number of requests per key. */
export function faultCounter(paymentId: string, behaviour: string): string {
  return `${paymentId} ${behaviour}`
}

/**
 * Decides a batch in order of arrival: what happens to each request if its key is unknown. `faults`
 * holds, by `faultCounter`, the refusals before this batch.
 */
export function planBatch(
  arrivals: readonly Arrival[],
  faults: ReadonlyMap<string, number>,
): Outcome[] {
  const counts = new Map(faults)
  return arrivals.map(({ paymentId, behaviour }) => {
    if (!countsFaults(behaviour)) return planOutcome(behaviour, 0)
    const counter = faultCounter(paymentId, behaviourText(behaviour))
    const soFar = counts.get(counter) ?? 0
    const planned = planOutcome(behaviour, soFar)
    if (planned.verdict === null) counts.set(counter, soFar + 1)
    return planned
  })
}
