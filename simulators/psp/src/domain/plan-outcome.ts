import type { Behaviour } from './behaviour.ts'

/** A verdict is final: the bank paid, or it will not. */
export type Verdict = 'approved' | 'failed'

/** How an answer reaches its caller, or does not. */
export type Delivery = 'answer' | 'error_500' | 'rate_limit' | 'hang' | 'reset' | 'garbage'

/** What a request leads to if its key is unknown; a known key keeps its verdict. */
export interface Outcome {
  /** null: the request leaves nothing behind, its key stays unknown. */
  verdict: Verdict | null
  delivery: Delivery
  delayMs: number
}

/** Whether what this behaviour refuses is counted per key; the others need no look at the past. */
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

/** `faultsSoFar`: how many requests with this key this behaviour has refused already. */
export function planOutcome(
  behaviour: Exclude<Behaviour, { kind: 'random' }>,
  faultsSoFar: number,
): Outcome {
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
    default:
      return kind satisfies never
  }
}

function outcome(verdict: Verdict | null, delivery: Delivery, delayMs = 0): Outcome {
  return { verdict, delivery, delayMs }
}
