import { type ChosenBehaviour, formatBehaviour } from './behaviour.ts'
import { countsFaults, type PlannedOutcome, planOutcome } from './plan-outcome.ts'

/** A request to move money and the behaviour chosen for it. */
export interface Arrival {
  /** The operation, which is also its idempotency key. */
  operationId: string
  behaviour: ChosenBehaviour
}

/** The key under which faults are counted: per operation and behaviour. */
export function faultCounter(operationId: string, behaviour: string): string {
  return `${operationId} ${behaviour}`
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
  return arrivals.map(({ operationId, behaviour }) => {
    if (!countsFaults(behaviour)) return planOutcome(behaviour, 0)
    const counter = faultCounter(operationId, formatBehaviour(behaviour))
    const soFar = counts.get(counter) ?? 0
    const planned = planOutcome(behaviour, soFar)
    if (planned.verdict === null) counts.set(counter, soFar + 1)
    return planned
  })
}
