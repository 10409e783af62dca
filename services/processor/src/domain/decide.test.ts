import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { capabilities } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import { decideDue, type DueContext } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import type { PspDecision } from './decision.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import { type PspOperation, newOperation } from './psp-operation.ts'

const APPROVED = { status: 'approved', gateway_transaction_id: 'g-1' }
// This is the PSP's own spelling.
const FAILED = { status: 'failed', error_code: 'gateway_unailable' }

const approved = { kind: 'approved', response: APPROVED } as const
const declined = { kind: 'declined', response: FAILED } as const
const unavailable = { kind: 'unavailable', response: FAILED, retryAfterMs: null } as const
const unreachable = { kind: 'not_sent', cause: 'unreachable' } as const
const ambiguous = { kind: 'ambiguous' } as const
const misconfigured = { kind: 'misconfigured' } as const

type Step =
  | { due: 'send' | 'wait' | 'circuit_open'; laterMs?: number }
  | { outcome: SendOutcome; attempt?: number }
  | { status: StatusAnswer }

const due: Step = { due: 'send' }
const outcomeOf = (outcome: SendOutcome): Step => ({ outcome })
const statusOf = (status: StatusAnswer): Step => ({ status })

/** Advances the time to the due time of the operation's step, or by one millisecond. */
function given(...steps: Step[]) {
  let operation = newOperation(0)
  let now = 0
  const emitted: unknown[] = []
  const apply = (step: Step): PspDecision => {
    now = 'due' in step ? Math.max(now, (operation.dueAt ?? now) + (step.laterMs ?? 0)) : now + 1
    const context: DueContext = { now, jitter: 0.5, policy, psp: 'main', capabilities }
    const decision = decide(operation, step, context)
    operation = decision.operation
    if (decision.emission) emitted.push(decision.emission.kind)
    return decision
  }
  for (const step of steps) apply(step)
  return {
    emitted,
    when(step: Step) {
      const decision = apply(step)
      return {
        decision,
        then(expected: {
          operation?: Partial<PspOperation>
          emits?: PspDecision['emission']
          calls?: PspDecision['call']
          afterMs?: number
        }) {
          for (const [name, value] of Object.entries(expected.operation ?? {})) {
            assert.deepEqual(operation[name as keyof PspOperation], value, name)
          }
          if ('emits' in expected) {
            assert.deepEqual(decision.emission, expected.emits)
          }
          if ('calls' in expected) assert.deepEqual(decision.call, expected.calls)
          if ('afterMs' in expected) assert.equal((operation.dueAt ?? 0) - now, expected.afterMs)
        },
      }
    },
  }
}

function decide(operation: PspOperation, step: Step, context: DueContext): PspDecision {
  if ('due' in step) return decideDue(operation, step.due, context)
  if ('status' in step) {
    return decideStatus(operation, { query: operation.queries, answer: step.status }, context)
  }
  const attempt = step.attempt ?? operation.attempt
  return decideOutcome(operation, { attempt, outcome: step.outcome }, context)
}

const retriesExhausted = [due, unavailable, due, unavailable, due, unavailable, due].map((step) =>
  'kind' in step ? outcomeOf(step) : step,
)

describe('sending (P5)', () => {
  test('a new operation is sent with a deadline, as attempt 1', () => {
    given()
      .when(due)
      .then({
        operation: { step: 'await', attempt: 1, attemptDeadlineAt: 5_000, dueAt: 5_500 },
        calls: { kind: 'send', attempt: 1 },
        emits: null,
      })
  })

  test('an operation is sent later if no call is free', () => {
    given()
      .when({ due: 'wait' })
      .then({ operation: { step: 'send', attempt: 0 }, calls: null })
  })

  test('an approval completes the operation', () => {
    given(due)
      .when(outcomeOf(approved))
      .then({
        operation: { status: 'COMPLETED', step: null, dueAt: null },
        emits: { kind: 'completed', response: APPROVED, psp: 'main' },
      })
  })

  test("a decline fails the operation with the PSP's response", () => {
    given(due)
      .when(outcomeOf(declined))
      .then({
        operation: { status: 'FAILED', reason: 'gateway_declined', step: null },
        emits: { kind: 'failed', reason: 'gateway_declined', response: FAILED },
      })
  })

  test('401 and 403 are retried later and never fail the operation', () => {
    given(due)
      .when(outcomeOf(misconfigured))
      .then({ operation: { status: 'PENDING', step: 'send' }, emits: null, afterMs: 30_000 })
  })
})

describe('retries (P5, F13)', () => {
  test('temporary failures are retried with a growing delay', () => {
    given(due)
      .when(outcomeOf(unavailable))
      .then({ operation: { step: 'send' }, emits: null, afterMs: 188 })
    given(due, outcomeOf(unavailable), due)
      .when(outcomeOf(unavailable))
      .then({ operation: { step: 'send' }, emits: null, afterMs: 375 })
  })

  test("the PSP's Retry-After is honoured", () => {
    given(due)
      .when(outcomeOf({ kind: 'rate_limited', response: null, retryAfterMs: 7_000 }))
      .then({ operation: { step: 'send' }, afterMs: 7_000 })
  })

  test('a status query decides after three retries that were all answered (rule 9)', () => {
    given(...retriesExhausted)
      .when(outcomeOf(unavailable))
      .then({ operation: { status: 'PENDING', step: 'query' }, emits: null, afterMs: 0 })
  })

  for (const kind of ['not_found', 'failed'] as const) {
    test(`status ${kind} after answered attempts fails the operation as gateway_unavailable`, () => {
      given(...retriesExhausted, outcomeOf(unavailable), due)
        .when(statusOf(kind === 'failed' ? { kind, response: FAILED } : { kind }))
        .then({
          operation: { status: 'FAILED' },
          emits: { kind: 'failed', reason: 'gateway_unavailable', response: FAILED },
        })
    })
  }

  test('status approved completes an operation whose attempts were all answered with 500', () => {
    given(...retriesExhausted, outcomeOf(unavailable), due)
      .when(statusOf(approved))
      .then({ operation: { status: 'COMPLETED' } })
  })

  test('an operation is in doubt until its status query is answered, and then decided by it', () => {
    const exhausted = [...retriesExhausted, outcomeOf(unavailable), due]
    given(...exhausted)
      .when(statusOf({ kind: 'unknown' }))
      .then({ operation: { status: 'IN_DOUBT', step: 'query' }, emits: { kind: 'in_doubt' } })
    given(...exhausted, statusOf({ kind: 'unknown' }), due)
      .when(statusOf({ kind: 'not_found' }))
      .then({ operation: { status: 'FAILED', reason: 'gateway_unavailable' } })
  })

  test('an operation fails as gateway_unreachable if none of its four attempts left', () => {
    const refused = [due, outcomeOf(unreachable)]
    given(...refused, ...refused, ...refused, due)
      .when(outcomeOf(unreachable))
      .then({ operation: { status: 'FAILED', reason: 'gateway_unreachable' } })
  })

  test('a single answered attempt among unsent ones leads to a status query', () => {
    const refused = [due, outcomeOf(unreachable)]
    given(due, outcomeOf(unavailable), ...refused, ...refused, due)
      .when(outcomeOf(unreachable))
      .then({ operation: { status: 'PENDING', step: 'query' }, emits: null })
  })
})

describe('in doubt (rule 9)', () => {
  test('an ambiguous attempt puts the operation in doubt, with a status query within two seconds', () => {
    given(due)
      .when(outcomeOf(ambiguous))
      .then({
        operation: { status: 'IN_DOUBT', step: 'query' },
        emits: { kind: 'in_doubt' },
        afterMs: 750,
      })
  })

  test('a SENDING attempt without a holder counts as possibly sent', () => {
    given(due)
      .when({ due: 'send' })
      .then({
        operation: { status: 'IN_DOUBT', step: 'query', mayHaveLeft: true },
        emits: { kind: 'in_doubt' },
      })
  })

  test('a late answer from a lost holder decides the operation', () => {
    given(due, due)
      .when({ outcome: approved, attempt: 1 })
      .then({ operation: { status: 'COMPLETED' } })
  })

  test('not_found is no proof, so the request is sent again after the old deadline', () => {
    given(due, outcomeOf(ambiguous), due)
      .when(statusOf({ kind: 'not_found' }))
      .then({ operation: { status: 'IN_DOUBT', step: 'send', dueAt: 5_000 }, emits: null })
    given(due, outcomeOf(ambiguous), due, statusOf({ kind: 'not_found' }))
      .when(due)
      .then({ calls: { kind: 'send', attempt: 2 } })
  })

  test('payment.in_doubt is emitted once, for any number of repeated requests', () => {
    const again = [due, statusOf({ kind: 'not_found' }), due, outcomeOf(ambiguous)]
    const story = given(due, outcomeOf(ambiguous), ...again, ...again, ...again)
    assert.deepEqual(story.emitted, ['in_doubt'])
  })

  test('500 to a repeated request proves nothing', () => {
    const again = [due, statusOf({ kind: 'not_found' }), due, outcomeOf(unavailable)]
    const story = given(due, outcomeOf(ambiguous), ...again, ...again, ...again, ...again, ...again)
    story.when(due).then({
      operation: { status: 'IN_DOUBT', step: 'query' },
      calls: { kind: 'query', query: 6 },
    })
  })

  test('status failed fails the operation as gateway_declined, status approved completes it', () => {
    given(due, outcomeOf(ambiguous), due)
      .when(statusOf({ kind: 'failed', response: FAILED }))
      .then({ operation: { status: 'FAILED', reason: 'gateway_declined' } })
    given(due, outcomeOf(ambiguous), due)
      .when(statusOf(approved))
      .then({ operation: { status: 'COMPLETED' } })
  })

  test('status queries continue without end, at most a minute apart', () => {
    const unanswered = Array.from({ length: 40 }, () => [due, statusOf({ kind: 'unknown' })]).flat()
    given(due, outcomeOf(ambiguous), ...unanswered)
      .when(due)
      .then({ operation: { status: 'IN_DOUBT' }, calls: { kind: 'query', query: 41 } })
    given(due, outcomeOf(ambiguous), ...unanswered, due)
      .when(statusOf({ kind: 'unknown' }))
      .then({ afterMs: 45_000 })
  })

  test('after a 401, neither 500s nor not_found fail the operation', () => {
    const again = [due, outcomeOf(unavailable)]
    given(due, outcomeOf(misconfigured), ...again, ...again, ...again, due)
      .when(outcomeOf(unavailable))
      .then({ operation: { status: 'IN_DOUBT' }, emits: { kind: 'in_doubt' } })
  })
})

describe('an open circuit (P5)', () => {
  const open: Step = { due: 'circuit_open', laterMs: policy.circuitWaitMs - 1 }
  const tooLong: Step = { due: 'circuit_open', laterMs: policy.circuitWaitMs }

  test('an operation without a sent request stays due until it has waited too long', () => {
    given()
      .when(open)
      .then({ operation: { status: 'PENDING', step: 'send', dueAt: 0 }, emits: null, calls: null })
    given(open, open)
      .when(due)
      .then({ calls: { kind: 'send', attempt: 1 } })
    given(open)
      .when(tooLong)
      .then({ operation: { status: 'FAILED', reason: 'circuit_open' } })
    given(due, outcomeOf(unreachable))
      .when(tooLong)
      .then({ operation: { status: 'FAILED', reason: 'circuit_open' } })
  })

  test('an operation whose recorded attempt was not sent is due again', () => {
    given(due)
      .when(outcomeOf({ kind: 'not_sent', cause: 'circuit_open' }))
      .then({
        operation: { status: 'PENDING', step: 'send', failures: 0 },
        afterMs: 0,
        emits: null,
      })
  })

  test('an operation whose attempts were answered queries the status after it waited too long', () => {
    given(due, outcomeOf(unavailable))
      .when(open)
      .then({ operation: { status: 'PENDING', step: 'send' }, emits: null })
    given(due, outcomeOf(unavailable))
      .when(tooLong)
      .then({ operation: { status: 'PENDING', step: 'query' }, emits: null })
  })

  test('an operation in doubt stays in doubt and queries the status after it waited too long', () => {
    const doubtful = [due, outcomeOf(ambiguous), due, statusOf({ kind: 'not_found' })]
    given(...doubtful)
      .when(open)
      .then({ operation: { status: 'IN_DOUBT', step: 'send' }, emits: null, calls: null })
    given(...doubtful)
      .when(tooLong)
      .then({ operation: { status: 'IN_DOUBT', step: 'query' }, emits: null, calls: null })
  })
})
