import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asyncCapabilities, capabilities } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import { type Admission, decideDue, type DueContext } from './decide-due.ts'
import { hasSucceeded } from './decide-late.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import type { Emission, PspDecision } from './decision.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import { type PspOperation, isOver, newOperation } from './psp-operation.ts'
import { shownState, transitions } from './transitions.ts'

const RESPONSE = { status: 'failed', error_code: 'some_code', gateway_transaction_id: 'g-1' }

const outcomes: fc.Arbitrary<SendOutcome> = fc.oneof(
  fc.constant({ kind: 'approved', response: RESPONSE } as const),
  fc.constant({ kind: 'declined', response: RESPONSE } as const),
  fc.record({
    kind: fc.constant('unavailable' as const),
    response: fc.constant(RESPONSE),
    retryAfterMs: fc.option(fc.nat(100_000)),
  }),
  fc.constant({ kind: 'rate_limited', response: null, retryAfterMs: null } as const),
  fc.constant({ kind: 'misconfigured' } as const),
  fc.constant({ kind: 'ambiguous' } as const),
  fc.record({
    kind: fc.constant('not_sent' as const),
    cause: fc.constantFrom('unreachable' as const, 'deadline' as const, 'circuit_open' as const),
  }),
)
const statuses: fc.Arbitrary<StatusAnswer> = fc.constantFrom<StatusAnswer[]>(
  { kind: 'approved', response: RESPONSE },
  { kind: 'failed', response: RESPONSE },
  { kind: 'not_found' },
  { kind: 'unknown' },
)

type Input =
  | { kind: 'due'; admission: Admission; laterMs: number }
  | { kind: 'outcome'; back: number; outcome: SendOutcome }
  | { kind: 'status'; back: number; answer: StatusAnswer }

const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.record({
    kind: fc.constant('due' as const),
    admission: fc.constantFrom<Admission[]>('send', 'send', 'wait', 'circuit_open'),
    laterMs: fc.constantFrom(0, 0, 1, 10_000),
  }),
  // `back` reports an older attempt or query once more, as a lost holder might.
  fc.record({
    kind: fc.constant('outcome' as const),
    back: fc.constantFrom(0, 0, 0, 1),
    outcome: outcomes,
  }),
  fc.record({
    kind: fc.constant('status' as const),
    back: fc.constantFrom(0, 0, 0, 1),
    answer: statuses,
  }),
)

function step(operation: PspOperation, input: Input, context: DueContext): PspDecision {
  switch (input.kind) {
    case 'due':
      return decideDue(operation, input.admission, context)
    case 'outcome':
      return decideOutcome(
        operation,
        { attempt: operation.attempt - input.back, outcome: input.outcome },
        context,
      )
    case 'status':
      return decideStatus(
        operation,
        { query: operation.queries - input.back, answer: input.answer },
        context,
      )
    default:
      return input satisfies never
  }
}

type Report = (operation: PspOperation, input: Input, decision: PspDecision, now: number) => void

function replay(
  story: readonly Input[],
  jitter: number,
  report: Report,
  promised = capabilities,
): PspOperation {
  let operation = newOperation(0)
  let now = 0
  for (const input of story) {
    now = input.kind === 'due' ? Math.max(now, (operation.dueAt ?? now) + input.laterMs) : now + 1
    const reachable =
      input.kind === 'due' ||
      (input.kind === 'outcome' ? operation.attempt > input.back : operation.queries > input.back)
    if (!reachable) continue
    const context = { now, jitter, policy, psp: 'main', capabilities: promised }
    const decision = step(operation, input, context)
    report(operation, input, decision, now)
    operation = decision.operation
  }
  return operation
}

const stories = fc.array(inputs, { maxLength: 60 })
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('a final status never changes, and each operation emits at most one final event (rule 2)', () => {
  fc.assert(
    fc.property(stories, jitters, (story, jitter) => {
      const emitted: Emission['kind'][] = []
      replay(story, jitter, (before, _input, { operation, emission, call }) => {
        if (isOver(before)) {
          assert.deepEqual({ ...operation, lateId: before.lateId }, before)
          assert.equal(call, null)
          const isLate = before.status === 'FAILED' && before.lateId === null
          const late = isLate ? /^late_success$/ : /^contradicted$/
          assert.match(emission?.kind ?? 'contradicted', emission ? late : /./)
        }
        if (emission && emission.kind !== 'contradicted') emitted.push(emission.kind)
      })
      assert.ok(emitted.filter((kind) => kind === 'in_doubt').length <= 1)
      const ends = emitted.filter((kind) => kind !== 'in_doubt')
      assert.ok(ends.length <= 1 || (ends[0] === 'failed' && ends[1] === 'late_success'))
      assert.ok(ends.length <= 2)
      assert.ok(emitted.indexOf('in_doubt') <= 0, 'doubt comes before the final event')
    }),
  )
})

test('an operation with an ambiguous attempt fails only by a verdict of the PSP (rule 9)', () => {
  fc.assert(
    fc.property(stories, jitters, (story, jitter) => {
      let ambiguous = false
      replay(story, jitter, (before, input, { operation, emission }) => {
        const lost = input.kind === 'due' && before.step === 'await' && operation.step !== 'await'
        const unread = input.kind === 'outcome' && input.outcome.kind === 'ambiguous'
        ambiguous ||= lost || (unread && operation.unproven)
        if (emission?.kind !== 'failed' || !ambiguous) return
        const verdict =
          (input.kind === 'outcome' && input.outcome.kind === 'declined') ||
          (input.kind === 'status' && input.answer.kind === 'failed')
        assert.ok(verdict, `failed by ${JSON.stringify(input)}`)
      })
    }),
  )
})

for (const [name, promised] of Object.entries({ capabilities, asyncCapabilities })) {
  test(`every step of any story is in the table of transitions of ${name}`, () => {
    const context = { capabilities: promised }
    const known = new Set(
      transitions(promised).map(({ from, to, emits }) => JSON.stringify([from, to, emits])),
    )
    fc.assert(
      fc.property(stories, jitters, (story, jitter) => {
        const check: Report = (before, _input, { operation, emission }) => {
          const [from, to] = [shownState(before, context), shownState(operation, context)]
          // A fact that comes too early or late, or a wait, changes nothing that is shown.
          if (emission === null && JSON.stringify(from) === JSON.stringify(to)) return
          const step = JSON.stringify([from, to, emission ? [emission.kind] : []])
          assert.ok(known.has(step), step)
        }
        replay(story, jitter, check, promised)
      }),
    )
  })
}

test('an operation without a final state always has a next step and a time for it', () => {
  fc.assert(
    fc.property(stories, jitters, (story, jitter) => {
      replay(story, jitter, (_before, _input, { operation }) => {
        assert.equal(operation.step === null, isOver(operation))
        assert.equal(operation.dueAt === null, isOver(operation))
      })
    }),
  )
})

test('an operation has at most one attempt in flight, and each has a new number', () => {
  fc.assert(
    fc.property(stories, jitters, (story, jitter) => {
      replay(story, jitter, (before, _input, { call, operation }, now) => {
        if (call?.kind !== 'send') return
        assert.notEqual(before.step, 'await')
        assert.equal(call.attempt, before.attempt + 1)
        assert.equal(operation.attemptDeadlineAt, now + policy.timeoutMs)
        if (before.unproven && before.status === 'IN_DOUBT') {
          assert.ok(now >= (before.attemptDeadlineAt ?? 0), 'the old deadline has passed')
        }
      })
    }),
  )
})

test('an outcome that is reported twice emits no event twice, except a contradiction', () => {
  fc.assert(
    fc.property(stories, outcomes, jitters, (story, outcome, jitter) => {
      const operation = replay(story, jitter, () => {})
      if (operation.attempt === 0) return
      const context = { now: 1e9, jitter, policy, capabilities }
      const { attempt } = operation
      const once = decideOutcome(operation, { attempt, outcome }, context).operation
      const twice = decideOutcome(once, { attempt, outcome }, context)
      assert.deepEqual(twice.operation, once)
      // One case is open for a contradiction, however often it is emitted.
      const isContradicted = hasSucceeded(operation) && outcome.kind === 'declined'
      assert.equal(twice.emission?.kind ?? null, isContradicted ? 'contradicted' : null)
    }),
  )
})

/**
 * A PSP that keeps its promise: one verdict per key. Requests may be applied at once, late or
 * never, and answered truly, with a 500, or not at all.
 */
type Request = { applies: 'now' | 'late' | 'never'; answer: 'true' | 'failed' | 'none' }
type World = { verdict: 'approved' | 'declined'; requests: Request[]; statusAnswers: boolean[] }

const worlds: fc.Arbitrary<World> = fc.record({
  verdict: fc.constantFrom('approved' as const, 'declined' as const),
  requests: fc.array(
    fc.record({
      applies: fc.constantFrom('now' as const, 'late' as const, 'never' as const),
      answer: fc.constantFrom('true' as const, 'failed' as const, 'none' as const),
    }),
    { maxLength: 12 },
  ),
  statusAnswers: fc.array(fc.boolean(), { maxLength: 12 }),
})

test('a PSP that honours idempotency keys never charges FAILED and always charges COMPLETED', () => {
  fc.assert(
    fc.property(worlds, jitters, ({ verdict, requests, statusAnswers }, jitter) => {
      const psp = { known: false, inFlight: false }
      let operation = newOperation(0)
      for (let turn = 0; turn < 200 && !isOver(operation); turn += 1) {
        const context = { now: operation.dueAt ?? 0, jitter, policy, psp: 'main', capabilities }
        const { call, operation: next } = decideDue(operation, 'send', context)
        operation = next
        if (call?.kind === 'send') {
          const request = requests.shift() ?? { applies: 'now', answer: 'true' }
          const outcome = answerOf(psp, request, verdict)
          const answered = { attempt: call.attempt, outcome }
          operation = decideOutcome(operation, answered, context).operation
        } else if (call?.kind === 'query') {
          const found = psp.known
            ? { kind: verdict === 'approved' ? verdict : 'failed', response: RESPONSE }
            : { kind: 'not_found' }
          const answer = (statusAnswers.shift() ?? true) ? found : { kind: 'unknown' }
          const status = { query: call.query, answer: answer as StatusAnswer }
          operation = decideStatus(operation, status, context).operation
        }
      }
      assert.ok(isOver(operation), 'it ends once the PSP answers')
      // Whatever was in flight arrives now.
      const charged = (psp.known || psp.inFlight) && verdict === 'approved'
      assert.equal(operation.status === 'COMPLETED', charged)
    }),
    { numRuns: 1_000 },
  )
})

function answerOf(
  psp: { known: boolean; inFlight: boolean },
  { applies, answer }: Request,
  verdict: World['verdict'],
): SendOutcome {
  // A request that was answered is not in flight any more.
  if (applies === 'late' && answer === 'none') psp.inFlight = true
  if (applies === 'now' || answer === 'true') psp.known = true
  if (answer === 'none') return { kind: 'ambiguous' }
  if (answer === 'failed') return { kind: 'unavailable', response: RESPONSE, retryAfterMs: null }
  return { kind: verdict, response: RESPONSE }
}
