import type { Behaviour, ChosenBehaviour } from './behaviour.ts'

/** A final decision: the bank has moved the money, or it never will. */
export type Verdict = 'approved' | 'failed'

/** How a simulator responds to the caller, or fails to. */
export type Delivery =
  | 'answer'
  | 'error_500'
  | 'rate_limit'
  | 'hang'
  | 'reset'
  | 'garbage'
  | FalseAnswer

/** Answers that state something else about an approved operation than the books. */
export type FalseAnswer =
  | 'wrong_amount'
  | 'wrong_currency'
  | 'no_transaction_id'
  | 'repeated_transaction_id'
  | 'duplicate_members'

/** How the bank reports a verdict by callback, where callbacks are configured. */
export interface CallbackPlan {
  copies: 0 | 1 | 2
  delayMs: number
  /** What the callback states against the books. */
  lie: 'wrong_amount' | 'opposite' | null
  /** The answer waits for the first delivery. */
  beforeAnswer: boolean
  /** The bank takes an approval back at once, and reports that too. */
  reverses: boolean
}

/** The outcome of a request whose key is unknown. A known key keeps its verdict. */
export interface PlannedOutcome {
  /** null: nothing is stored and the key stays unknown. */
  verdict: Verdict | null
  delivery: Delivery
  delayMs: number
  callback: CallbackPlan
  /** The key counts as unknown even if it has a verdict. */
  forgetsKey: boolean
}

/** The response to a status query; `contradict` states the opposite verdict. */
export interface PlannedReply {
  delivery: Delivery | 'contradict' | 'not_found'
  delayMs: number
}

/** The verdict that the bank did not reach. */
export function oppositeOf(verdict: Verdict): Verdict {
  return verdict === 'approved' ? 'failed' : 'approved'
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
export function planOutcome(behaviour: ChosenBehaviour, faultsSoFar: number): PlannedOutcome {
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
    case 'callback_before_answer':
    case 'callback_twice':
    case 'callback_late':
    case 'callback_never':
    case 'callback_wrong_amount':
    case 'reverse_after_success':
    case 'contradict':
      return { ...outcome('approved', 'answer'), callback: planCallback(behaviour) }
    case 'forget_keys':
      return { ...outcome('approved', 'answer'), forgetsKey: true }
    default:
      return kind satisfies never
  }
}

/** Decides how a status query is answered. What concerns only verdicts changes nothing here. */
export function planReply(behaviour: ChosenBehaviour, faultsSoFar: number): PlannedReply {
  if (behaviour.kind === 'contradict') return { delivery: 'contradict', delayMs: 0 }
  if (behaviour.kind === 'forget_keys') return { delivery: 'not_found', delayMs: 0 }
  const { delivery, delayMs } = planOutcome(behaviour, faultsSoFar)
  return { delivery, delayMs }
}

const PLAIN_CALLBACK: CallbackPlan = {
  copies: 1,
  delayMs: 0,
  lie: null,
  beforeAnswer: false,
  reverses: false,
}

function planCallback(behaviour: ChosenBehaviour): CallbackPlan {
  switch (behaviour.kind) {
    case 'callback_before_answer':
      return { ...PLAIN_CALLBACK, beforeAnswer: true }
    case 'callback_twice':
      return { ...PLAIN_CALLBACK, copies: 2 }
    case 'callback_late':
      return { ...PLAIN_CALLBACK, delayMs: behaviour.delayMs }
    case 'callback_never':
      return { ...PLAIN_CALLBACK, copies: 0 }
    case 'callback_wrong_amount':
      return { ...PLAIN_CALLBACK, lie: 'wrong_amount' }
    case 'reverse_after_success':
      return { ...PLAIN_CALLBACK, reverses: true }
    case 'contradict':
      return { ...PLAIN_CALLBACK, lie: 'opposite' }
    default:
      return PLAIN_CALLBACK
  }
}

function outcome(verdict: Verdict | null, delivery: Delivery, delayMs = 0): PlannedOutcome {
  return { verdict, delivery, delayMs, callback: PLAIN_CALLBACK, forgetsKey: false }
}
