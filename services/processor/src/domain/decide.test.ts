import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decideDue, type DueContext } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import type { Decision } from './decision.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import { type PspPayment, newPayment } from './psp-payment.ts'
import type { RetryPolicy } from './retry-policy.ts'

const policy: RetryPolicy = {
  timeoutMs: 5_000,
  graceMs: 500,
  maxRetries: 3,
  retryBaseMs: 250,
  retryMaxMs: 5_000,
  retryAfterMaxMs: 60_000,
  firstQueryMs: 1_000,
  queryMaxMs: 60_000,
  misconfiguredMs: 30_000,
  waitMs: 250,
}
const APPROVED = { status: 'approved', gateway_transaction_id: 'g-1' }
const FAILED = { status: 'failed', error_code: 'gateway_unailable' }

const approved = { kind: 'approved', response: APPROVED } as const
const declined = { kind: 'declined', response: FAILED } as const
const unavailable = { kind: 'unavailable', response: FAILED, retryAfterMs: null } as const
const unreachable = { kind: 'not_sent', cause: 'unreachable' } as const
const ambiguous = { kind: 'ambiguous' } as const
const misconfigured = { kind: 'misconfigured' } as const

type Step =
  | { due: 'send' | 'wait' | 'circuit_open' }
  | { outcome: SendOutcome; attempt?: number }
  | { status: StatusAnswer }

const due: Step = { due: 'send' }
const heard = (outcome: SendOutcome): Step => ({ outcome })
const told = (status: StatusAnswer): Step => ({ status })

/** Time goes to wherever the payment's step is due, or a millisecond on. */
function given(...steps: Step[]) {
  let payment = newPayment(0)
  let now = 0
  const said: unknown[] = []
  const apply = (step: Step): Decision => {
    now = 'due' in step ? Math.max(now, payment.dueAt ?? now) : now + 1
    const context: DueContext = { now, jitter: 0.5, policy, psp: 'main' }
    const decision = decide(payment, step, context)
    payment = decision.payment
    if (decision.emission) said.push(decision.emission.kind)
    return decision
  }
  for (const step of steps) apply(step)
  return {
    said,
    when(step: Step) {
      const decision = apply(step)
      return {
        decision,
        then(expected: {
          payment?: Partial<PspPayment>
          announces?: Decision['emission']
          calls?: Decision['call']
          afterMs?: number
        }) {
          for (const [name, value] of Object.entries(expected.payment ?? {})) {
            assert.deepEqual(payment[name as keyof PspPayment], value, name)
          }
          if ('announces' in expected) {
            assert.deepEqual(decision.emission, expected.announces)
          }
          if ('calls' in expected) assert.deepEqual(decision.call, expected.calls)
          if ('afterMs' in expected) assert.equal((payment.dueAt ?? 0) - now, expected.afterMs)
        },
      }
    },
  }
}

function decide(payment: PspPayment, step: Step, context: DueContext): Decision {
  if ('due' in step) return decideDue(payment, step.due, context)
  if ('status' in step) {
    return decideStatus(payment, { query: payment.queries, answer: step.status }, context)
  }
  const attempt = step.attempt ?? payment.attempt
  return decideOutcome(payment, { attempt, outcome: step.outcome }, context)
}

const retriesExhausted = [due, unavailable, due, unavailable, due, unavailable, due].map((step) =>
  'kind' in step ? heard(step) : step,
)

describe('sending (P5)', () => {
  test('a new payment is sent with a deadline, as attempt 1', () => {
    given()
      .when(due)
      .then({
        payment: { step: 'await', attempt: 1, attemptDeadlineAt: 5_000, dueAt: 5_500 },
        calls: { kind: 'send', attempt: 1 },
        announces: null,
      })
  })

  test('a payment waits while no call is free', () => {
    given()
      .when({ due: 'wait' })
      .then({ payment: { step: 'send', attempt: 0 }, calls: null })
  })

  test('an approval completes it', () => {
    given(due)
      .when(heard(approved))
      .then({
        payment: { status: 'COMPLETED', step: null, dueAt: null },
        announces: { kind: 'completed', response: APPROVED, psp: 'main' },
      })
  })

  test('a decline fails it with the words of the PSP', () => {
    given(due)
      .when(heard(declined))
      .then({
        payment: { status: 'FAILED', reason: 'gateway_declined', step: null },
        announces: { kind: 'failed', reason: 'gateway_declined', response: FAILED },
      })
  })

  test('401 and 403 are tried again later and never fail the payment', () => {
    given(due)
      .when(heard(misconfigured))
      .then({ payment: { status: 'PENDING', step: 'send' }, announces: null, afterMs: 30_000 })
  })
})

describe('retries (P5, F13)', () => {
  test('temporary failures are retried with a growing delay', () => {
    given(due)
      .when(heard(unavailable))
      .then({ payment: { step: 'send' }, announces: null, afterMs: 188 })
    given(due, heard(unavailable), due)
      .when(heard(unavailable))
      .then({ payment: { step: 'send' }, announces: null, afterMs: 375 })
  })

  test("the PSP's Retry-After is honoured", () => {
    given(due)
      .when(heard({ kind: 'rate_limited', response: null, retryAfterMs: 7_000 }))
      .then({ payment: { step: 'send' }, afterMs: 7_000 })
  })

  test('after three retries that were all answered, the status query decides (rule 9)', () => {
    given(...retriesExhausted)
      .when(heard(unavailable))
      .then({ payment: { status: 'PENDING', step: 'query' }, announces: null, afterMs: 0 })
  })

  for (const kind of ['not_found', 'failed'] as const) {
    test(`all attempts answered and the status ${kind} fail it as gateway_unavailable`, () => {
      given(...retriesExhausted, heard(unavailable), due)
        .when(told(kind === 'failed' ? { kind, response: FAILED } : { kind }))
        .then({
          payment: { status: 'FAILED' },
          announces: { kind: 'failed', reason: 'gateway_unavailable', response: FAILED },
        })
    })
  }

  test('all attempts answered with 500 and the status approved complete it', () => {
    given(...retriesExhausted, heard(unavailable), due)
      .when(told(approved))
      .then({ payment: { status: 'COMPLETED' } })
  })

  test('without an answer to that status query it is in doubt, and still decided by it', () => {
    const exhausted = [...retriesExhausted, heard(unavailable), due]
    given(...exhausted)
      .when(told({ kind: 'unknown' }))
      .then({ payment: { status: 'IN_DOUBT', step: 'query' }, announces: { kind: 'in_doubt' } })
    given(...exhausted, told({ kind: 'unknown' }), due)
      .when(told({ kind: 'not_found' }))
      .then({ payment: { status: 'FAILED', reason: 'gateway_unavailable' } })
  })

  test('four attempts of which none left fail it as gateway_unreachable', () => {
    const refused = [due, heard(unreachable)]
    given(...refused, ...refused, ...refused, due)
      .when(heard(unreachable))
      .then({ payment: { status: 'FAILED', reason: 'gateway_unreachable' } })
  })

  test('one answered attempt among those that never left asks for the status', () => {
    const refused = [due, heard(unreachable)]
    given(due, heard(unavailable), ...refused, ...refused, due)
      .when(heard(unreachable))
      .then({ payment: { status: 'PENDING', step: 'query' }, announces: null })
  })
})

describe('in doubt (rule 9)', () => {
  test('an ambiguous attempt puts it in doubt, asked about within two seconds', () => {
    given(due)
      .when(heard(ambiguous))
      .then({
        payment: { status: 'IN_DOUBT', step: 'query' },
        announces: { kind: 'in_doubt' },
        afterMs: 750,
      })
  })

  test('a SENDING attempt whose holder is gone counts as one that may have left', () => {
    given(due)
      .when({ due: 'send' })
      .then({
        payment: { status: 'IN_DOUBT', step: 'query', mayHaveLeft: true },
        announces: { kind: 'in_doubt' },
      })
  })

  test('the answer that a lost holder still reports decides', () => {
    given(due, due)
      .when({ outcome: approved, attempt: 1 })
      .then({ payment: { status: 'COMPLETED' } })
  })

  test('not_found is no proof: the request is sent again, after the old deadline', () => {
    given(due, heard(ambiguous), due)
      .when(told({ kind: 'not_found' }))
      .then({ payment: { status: 'IN_DOUBT', step: 'send', dueAt: 5_000 }, announces: null })
    given(due, heard(ambiguous), due, told({ kind: 'not_found' }))
      .when(due)
      .then({ calls: { kind: 'send', attempt: 2 } })
  })

  test('it is said once, however often it is sent again', () => {
    const again = [due, told({ kind: 'not_found' }), due, heard(ambiguous)]
    const story = given(due, heard(ambiguous), ...again, ...again, ...again)
    assert.deepEqual(story.said, ['in_doubt'])
  })

  test('500 on sending it again proves nothing', () => {
    const again = [due, told({ kind: 'not_found' }), due, heard(unavailable)]
    const story = given(due, heard(ambiguous), ...again, ...again, ...again, ...again, ...again)
    story
      .when(due)
      .then({ payment: { status: 'IN_DOUBT', step: 'query' }, calls: { kind: 'query', query: 6 } })
  })

  test('a status of failed fails it as gateway_declined, approved completes it', () => {
    given(due, heard(ambiguous), due)
      .when(told({ kind: 'failed', response: FAILED }))
      .then({ payment: { status: 'FAILED', reason: 'gateway_declined' } })
    given(due, heard(ambiguous), due)
      .when(told(approved))
      .then({ payment: { status: 'COMPLETED' } })
  })

  test('queries go on for ever, at most a minute apart', () => {
    const unanswered = Array.from({ length: 40 }, () => [due, told({ kind: 'unknown' })]).flat()
    given(due, heard(ambiguous), ...unanswered)
      .when(due)
      .then({ payment: { status: 'IN_DOUBT' }, calls: { kind: 'query', query: 41 } })
    given(due, heard(ambiguous), ...unanswered, due)
      .when(told({ kind: 'unknown' }))
      .then({ afterMs: 45_000 })
  })

  test('after a 401 no number of 500s and no not_found fails it', () => {
    const again = [due, heard(unavailable)]
    given(due, heard(misconfigured), ...again, ...again, ...again, due)
      .when(heard(unavailable))
      .then({ payment: { status: 'IN_DOUBT' }, announces: { kind: 'in_doubt' } })
  })
})

describe('the circuit is open (P5)', () => {
  const open: Step = { due: 'circuit_open' }

  test('a payment of which no request left fails at once', () => {
    given()
      .when(open)
      .then({ payment: { status: 'FAILED', reason: 'circuit_open' } })
    given(due, heard(unreachable))
      .when(open)
      .then({ payment: { status: 'FAILED', reason: 'circuit_open' } })
  })

  test('so does one that found it open with its attempt already recorded', () => {
    given(due)
      .when(heard({ kind: 'not_sent', cause: 'circuit_open' }))
      .then({ payment: { status: 'FAILED', reason: 'circuit_open' } })
  })

  test('one whose attempts were answered asks for the status instead of retrying', () => {
    given(due, heard(unavailable))
      .when(open)
      .then({ payment: { status: 'PENDING', step: 'query' }, announces: null })
  })

  test('one in doubt stays in doubt', () => {
    given(due, heard(ambiguous), due, told({ kind: 'not_found' }))
      .when(open)
      .then({ payment: { status: 'IN_DOUBT', step: 'query' }, announces: null, calls: null })
  })
})
