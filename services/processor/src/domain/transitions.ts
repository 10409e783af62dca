import type { CallbackFact, FactState } from './callback-fact.ts'
import type { Capabilities } from './capabilities.ts'
import { decideCallback } from './decide-callback.ts'
import { decideCancel } from './decide-cancel.ts'
import { type Admission, decideDue, type DueContext } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import { decideUnasked } from './decide-unasked.ts'
import type { Emission, PspDecision } from './decision.ts'
import { canBeQueried } from './learn-next.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import { isOver, newOperation, type PspOperation } from './psp-operation.ts'
import type { RetryPolicy } from './retry-policy.ts'

/**
 * What is known of the requests that were sent, while one awaits its answer of those before it; of
 * an operation that has ended, what the PSP did with the money afterwards.
 */
type Left = 'nothing left' | 'all answered' | 'may be in flight' | 'moved late' | 'taken back'

/** A state as the documents show it. */
export type ShownState = {
  status: PspOperation['status']
  step: PspOperation['step']
  left: Left | null
  /** Whether the PSP can be asked about it without a repeat of the request. */
  canBeAsked: boolean
}

/** One row of the table: in this state, this fact leads to that state and emits these, in order. */
export type Transition = {
  from: ShownState
  fact: string
  to: ShownState
  emits: readonly Emission['kind'][]
}

/** What follows from a fact; null where it cannot happen or changes nothing of what is shown. */
type Applied = { operation: PspOperation; emissions: readonly Emission[] } | null
type Fact = { name: string; apply: (state: PspOperation, context: DueContext) => Applied }

const NOW = 1_000_000
const WAIT_MS = 15_000
/** One retry is enough to show a first and a last one. */
const policy: RetryPolicy = {
  timeoutMs: 5_000,
  graceMs: 500,
  maxRetries: 1,
  retryBaseMs: 250,
  retryMaxMs: 5_000,
  retryAfterMaxMs: 60_000,
  firstQueryMs: 1_000,
  queryMaxMs: 60_000,
  misconfiguredMs: 30_000,
  waitMs: 250,
  circuitWaitMs: WAIT_MS,
}
const response = { status: 'any', gateway_transaction_id: 'any' }
const TERMS = { amountMinor: 1n, currency: 'USD' }

const failed: SendOutcome = { kind: 'unavailable', response, retryAfterMs: null }
const limited: SendOutcome = { kind: 'rate_limited', response: null, retryAfterMs: null }
const notSent: SendOutcome = { kind: 'not_sent', cause: 'unreachable' }
const LAST = { failures: policy.maxRetries }

/** An outcome of the awaited attempt, and what the operation is to have before it. */
const OUTCOMES: readonly [string, SendOutcome, Partial<PspOperation>?][] = [
  ['approved', { kind: 'approved', response }],
  ['declined', { kind: 'declined', response }],
  ['accepted', { kind: 'pending', response }],
  ['failed for a time', failed],
  ['failed for the last time', failed, LAST],
  ['rate limited', limited],
  ['rate limited for the last time', limited, LAST],
  ['credentials refused', { kind: 'misconfigured' }],
  ['no readable answer', { kind: 'ambiguous' }],
  ['not sent', notSent],
  ['not sent for the last time', notSent, LAST],
]
const ANSWERS: readonly [string, StatusAnswer][] = [
  ['query: approved', { kind: 'approved', response }],
  ['query: failed', { kind: 'failed', response }],
  ['query: pending', { kind: 'pending', response }],
  ['query: not_found', { kind: 'not_found' }],
  ['query: no answer', { kind: 'unknown' }],
]

/** Everything that can happen to an operation. */
const FACTS: readonly Fact[] = [
  due('sent', 'send', 'send'),
  due('key expired', 'send', 'send', { keyLifetimeMs: 0 }),
  due('circuit open for too long', 'send', 'circuit_open'),
  due('PSP takes no new payments for too long', 'send', 'not_taken'),
  due('PSP disabled', 'send', 'paused'),
  due('asked about', 'query', 'wait'),
  due('repeated, as it cannot be asked', 'query', 'wait'),
  due('sender lost', 'await', 'wait'),
  ...OUTCOMES.map(([name, outcome, given]): Fact => ({
    name,
    apply(state, context) {
      if (state.step !== 'await') return null
      const before = { ...state, failures: 0, ...given }
      return applied(decideOutcome(before, { attempt: state.attempt, outcome }, context))
    },
  })),
  late('late: approved', { kind: 'approved', response }),
  late('late: declined', { kind: 'declined', response }),
  ...ANSWERS.map(([name, answer]): Fact => ({
    name,
    apply: (state, context) =>
      state.step === 'query' && canBeQueried(state, context)
        ? applied(decideStatus(state, { query: state.queries, answer }, context))
        : null,
  })),
  reported('callback: approved', 'approved'),
  reported('callback: failed', 'failed'),
  reported('callback: pending', 'pending'),
  reported('callback: reversed', 'reversed'),
  reported('callback: other amount', 'approved', { amountMinor: 2n }),
  reported('callback: hint', 'approved', { itsId: null }),
  reported('callback: hint, asked in vain', 'approved', { itsId: null }, true),
  unasked('callback: returned', 'returned', 'return'),
  unasked('callback: disputed', 'opened', 'dispute'),
  {
    name: 'canceled',
    apply(state) {
      const decided = decideCancel(state)
      return decided.kind === 'canceled' ? applied(decided.decision) : null
    },
  },
]

function applied({ operation, emission }: PspDecision): Applied {
  return { operation, emissions: emission === null ? [] : [emission] }
}

function factOf(state: FactState, given: Partial<CallbackFact> = {}): CallbackFact {
  const ids = { ourId: null, itsId: 'any', paymentId: null, paymentItsId: null }
  return { key: 'any', kind: 'pay', ...ids, state, ...TERMS, reasonCode: null, ...given }
}

/** A fact of a callback about an operation that was sent, or that has ended. */
function reported(
  name: string,
  state: FactState,
  given: Partial<CallbackFact> = {},
  isAskedInVain = false,
): Fact {
  return {
    name,
    apply(before, context) {
      const reporting = { ...context, declineCode: 'other', isAskedInVain } as const
      if ((isAskedInVain || before.attempt === 0) && !isOver(before)) return null
      return decideCallback(before, TERMS, factOf(state, given), reporting)
    },
  }
}

/** What a payment was not asked for happens to one that was sent, or that has ended. */
function unasked(name: string, state: FactState, kind: CallbackFact['kind']): Fact {
  return {
    name,
    apply(before, context) {
      // Money of what was never sent contradicts it, in any state.
      if (before.attempt === 0) return null
      const decided = decideUnasked(before, TERMS, factOf(state, { kind }), context)
      return decided.kind === 'decided' ? applied(decided.decision) : null
    },
  }
}

/** The verdict on an attempt that is not awaited any more, also after the end. */
function late(name: string, outcome: SendOutcome): Fact {
  return {
    name,
    apply: (state, context) =>
      state.step === 'await' || state.attempt === 0
        ? null
        : applied(decideOutcome(state, { attempt: state.attempt, outcome }, context)),
  }
}

/** The step is due, for long enough that no circuit is waited for. */
function due(
  name: string,
  step: PspOperation['step'],
  admission: Admission,
  given: Partial<Capabilities> = {},
): Fact {
  return {
    name,
    apply(state, context) {
      if (state.step !== step) return null
      // A key is looked at only where a request may have left, which is only repeated.
      if (name === 'key expired' && !state.mayHaveLeft) return null
      if (admission === 'not_taken' && state.mayHaveLeft) return null
      const isRepeat = name.startsWith('repeated')
      if (step === 'query' && canBeQueried(state, context) === isRepeat) return null
      const capabilities = { ...context.capabilities, ...given }
      const due = { ...state, dueAt: NOW - WAIT_MS }
      return applied(decideDue(due, admission, { ...context, capabilities }))
    },
  }
}

/**
 * Every transition of an operation at a PSP with these capabilities, made by the decisions
 * themselves: all facts are applied to all states that can be reached. Payments, refunds, voids and
 * payouts share them.
 */
export function transitions(capabilities: Capabilities): Transition[] {
  const context: DueContext = { now: NOW, jitter: 0, policy, capabilities, psp: 'main' }
  const rows = new Map<string, Transition>()
  const known = new Map<string, PspOperation>()
  const open = [newOperation(0)]
  for (let state = open.pop(); state; state = open.pop()) {
    const name = keyOf(state, context)
    if (known.has(name)) continue
    known.set(name, state)
    for (const { name: fact, apply } of FACTS) {
      const follows = apply(state, context)
      // After the end, most facts repeat what is known.
      if (!follows || (isOver(state) && follows.emissions.length === 0)) continue
      const { operation, emissions } = follows
      open.push(operation)
      const emits = emissions.map(({ kind }) => kind)
      const [from, to] = [shownState(state, context), shownState(operation, context)]
      const row = { from, fact, to, emits }
      rows.set(JSON.stringify(row), row)
    }
  }
  return [...rows.values()]
}

/** What the decisions depend on, but for what the facts set: counts and times. */
function keyOf(operation: PspOperation, context: DueContext): string {
  const { status, step, mayHaveLeft, unproven, attempt, lateId, reversed } = operation
  const known = [canBeQueried(operation, context), lateId !== null, reversed]
  return JSON.stringify([status, step, mayHaveLeft, unproven, Math.min(attempt, 1), ...known])
}

/** The state as the documents show it. */
export function shownState(
  operation: PspOperation,
  context: Pick<DueContext, 'capabilities'>,
): ShownState {
  const { status, step } = operation
  // What has ended is asked about only where its status is doubted.
  const canBeAsked = step === null || canBeQueried(operation, context)
  return { status, step, left: leftOf(operation), canBeAsked }
}

function leftOf({ step, mayHaveLeft, unproven, lateId, reversed }: PspOperation): Left | null {
  if (step === null && reversed) return 'taken back'
  if (step === null) return lateId === null ? null : 'moved late'
  if (unproven) return 'may be in flight'
  return mayHaveLeft ? 'all answered' : 'nothing left'
}
