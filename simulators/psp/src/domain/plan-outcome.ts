import type { Behaviour } from './behaviour.ts'

/** A final decision: the bank has paid, or it never will. */
export type Verdict = 'approved' | 'failed'

/** How the simulator responds to the caller, or fails to. */
export type Delivery =
  | 'answer'
  | 'error_500'
  | 'rate_limit'
  | 'hang'
  | 'reset'
  | 'garbage'
  | FalseAnswer

/** Answers that state something else about an approved payment than the books. */
export type FalseAnswer =
  | 'wrong_amount'
  | 'wrong_currency'
  | 'no_transaction_id'
  | 'repeated_transaction_id'
  | 'duplicate_members'

/** The outcome of a request whose key is unknown. A known key keeps its verdict. */
export interface PlannedOutcome {
  /** null: nothing is stored and the key stays unknown. */
  verdict: Verdict | null
  delivery: Delivery
  delayMs: number
}

/** Whether this behaviour counts its faults per key. Other behaviours need no earlier requests. */
export function countsFaults(behaviour: Behaviour): boolean {
  return faultLimit(behaviour) > 0
}

function faultLimit(behaviour: Behaviour): number {
  switch (behaviour.kind) {
    case 'error_500_once':
    case 'rate_limit_once':
      return 1
    case 'error_500_twice':
      return 2
    default:
      return 0
  }
}

/**
 * Decides the outcome of one request. `faultsSoFar` is the number of requests with this key that
 * this behaviour has already failed.
 */
export function planOutcome(
  behaviour: Exclude<Behaviour, { kind: 'random' }>,
  faultsSoFar: number,
): PlannedOutcome {
  const { kind } = behaviour
  switch (kind) {
    case 'approve':
      return outcome('approved', 'answer')
    case 'decline':
      return outcome('failed', 'answer')
    case 'error_500':
      return outcome(null, 'error_500')
    case 'error_500_once':
    case 'error_500_twice':
      return faultsSoFar < faultLimit(behaviour)
        ? outcome(null, 'error_500')
        : outcome('approved', 'answer')
    case 'rate_limit_once':
      return faultsSoFar < faultLimit(behaviour)
        ? outcome(null, 'rate_limit')
        : outcome('approved', 'answer')
    case 'slow':
      return outcome('approved', 'answer', behaviour.delayMs)
    case 'hang':
      return outcome(null, 'hang')
    case 'apply_then_hang':
      return outcome('approved', 'hang')
    case 'reset':
      return outcome(null, 'reset')
    case 'apply_then_reset':
      return outcome('approved', 'reset')
    case 'garbage':
      return outcome('approved', 'garbage')
    case 'wrong_amount':
    case 'wrong_currency':
    case 'no_transaction_id':
    case 'repeated_transaction_id':
    case 'duplicate_members':
      return outcome('approved', kind)
    default:
      return kind satisfies never
  }
}

function outcome(verdict: Verdict | null, delivery: Delivery, delayMs = 0): PlannedOutcome {
  return { verdict, delivery, delayMs }
}
