import { formatBehaviour, type Behaviour } from './behaviour.ts'
import { countsFaults, type PlannedOutcome, planOutcome } from './plan-outcome.ts'

/** A payment request and the behaviour chosen for it. */
export interface Arrival {
  paymentId: string
  behaviour: Exclude<Behaviour, { kind: 'random' }>
}

/** The key under which faults are counted: per payment and behaviour. */
export function faultCounter(paymentId: string, behaviour: string): string {
  return `${paymentId} ${behaviour}`
}

/**
 * Decides a batch in order of arrival: the outcome of each request if its key is unknown. `faults`
 * has the number of faults before this batch, by `faultCounter`.
 */
export function planBatch(
  arrivals: readonly Arrival[],
  faults: ReadonlyMap<string, number>,
): PlannedOutcome[] {
  const counts = new Map(faults)
  return arrivals.map(({ paymentId, behaviour }) => {
    if (!countsFaults(behaviour)) return planOutcome(behaviour, 0)
    const counter = faultCounter(paymentId, formatBehaviour(behaviour))
    const soFar = counts.get(counter) ?? 0
    const planned = planOutcome(behaviour, soFar)
    if (planned.verdict === null) counts.set(counter, soFar + 1)
    return planned
  })
}
