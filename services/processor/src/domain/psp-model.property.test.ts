import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { capabilities as promising } from '../../test/capabilities.ts'
import { policy } from '../../test/retry-policy.ts'
import type { Capabilities } from './capabilities.ts'
import { decideDue } from './decide-due.ts'
import { decideOutcome } from './decide-outcome.ts'
import { decideStatus } from './decide-status.ts'
import type { SendOutcome, StatusAnswer } from './outcome.ts'
import { isOver, newOperation, type PspOperation } from './psp-operation.ts'

const RESPONSE = { status: 'any', gateway_transaction_id: 'g-1' }
const ACCEPTED: SendOutcome = { kind: 'pending', response: RESPONSE }
const KEY_MS = 60_000
const MOST_TURNS = 300

/** What the PSP does with one request, and how it answers. A pause delays the next step. */
type Conduct = {
  applies: 'now' | 'late' | 'never'
  answers: 'verdict' | 'accepted' | 'failed' | 'nothing'
  pauseMs: number
}
type Script = { verdict: 'approved' | 'declined'; conducts: Conduct[]; queries: boolean[] }

const scripts: fc.Arbitrary<Script> = fc.record({
  verdict: fc.constantFrom('approved' as const, 'approved' as const, 'declined' as const),
  conducts: fc.array(
    fc.record({
      applies: fc.constantFrom('now' as const, 'late' as const, 'never' as const),
      answers: fc.constantFrom(
        'verdict' as const,
        'accepted' as const,
        'failed' as const,
        'nothing' as const,
      ),
      pauseMs: fc.constantFrom(0, 0, 1_000, KEY_MS),
    }),
    { maxLength: 12 },
  ),
  queries: fc.array(fc.boolean(), { maxLength: 12 }),
})

/** A PSP that forgets keys, accepts requests to decide them later, and answers late or never. */
class ModelPsp {
  moves = 0
  #keyAt: number | null = null
  #isKnown = false
  /** A repeat of what was accepted is answered with the verdict. */
  #isDecided = false
  /** When a request that is still on its way was sent. */
  #sentAt: number | null = null
  readonly #verdict: Script['verdict']

  constructor(verdict: Script['verdict']) {
    this.#verdict = verdict
  }

  execute(now: number, { applies, answers }: Conduct): SendOutcome {
    this.arrive()
    // Only what was not carried out can truly be said to have failed for a time.
    if (answers === 'failed' && !this.#isKnown) {
      return { kind: 'unavailable', response: RESPONSE, retryAfterMs: null }
    }
    const isApplied = applies === 'now' || answers === 'verdict' || answers === 'accepted'
    if (isApplied) this.#apply(now)
    else if (applies === 'late') this.#sentAt = now
    if (answers === 'accepted') {
      return this.#isDecided ? { kind: this.#verdict, response: RESPONSE } : ACCEPTED
    }
    if (answers !== 'verdict') return { kind: 'ambiguous' }
    return { kind: this.#verdict, response: RESPONSE }
  }

  query(isAnswered: boolean): StatusAnswer {
    if (!isAnswered) return { kind: 'unknown' }
    if (!this.#isKnown) {
      // What is in flight arrives just after the answer.
      this.arrive()
      return { kind: 'not_found' }
    }
    return { kind: this.#verdict === 'approved' ? 'approved' : 'failed', response: RESPONSE }
  }

  /** A request in flight arrives; no network keeps one for longer than its deadline. */
  arrive(): void {
    if (this.#sentAt !== null) this.#apply(this.#sentAt + policy.timeoutMs - 1)
    this.#sentAt = null
  }

  #apply(now: number): void {
    this.#isDecided = this.#isKnown
    this.#isKnown = true
    if (this.#keyAt !== null && now - this.#keyAt < KEY_MS) return
    this.#keyAt = now
    if (this.#verdict === 'approved') this.moves += 1
  }
}

/** What moved, how the operation ended and when it was sent last. */
type Played = { moves: number; end: PspOperation; lastSentAt: number }

/** Plays an operation to its end, or to the last turn, and returns what moved. */
function play(script: Script, capabilities: Capabilities): Played {
  const psp = new ModelPsp(script.verdict)
  const conducts = [...script.conducts]
  const queries = [...script.queries]
  let operation = newOperation(0)
  let now = 0
  let lastSentAt = 0
  for (let turn = 0; turn < MOST_TURNS && !isOver(operation); turn += 1) {
    now = Math.max(now, operation.dueAt ?? now)
    const context = { now, jitter: 0.5, policy, psp: 'main', capabilities }
    const { call, operation: next } = decideDue(operation, 'send', context)
    operation = next
    if (call?.kind === 'send') {
      const usual: Conduct = { applies: 'now', answers: 'verdict', pauseMs: 0 }
      const conduct = conducts.shift() ?? usual
      lastSentAt = now
      const outcome = psp.execute(now, conduct)
      now += conduct.pauseMs
      const answered = { attempt: call.attempt, outcome }
      operation = decideOutcome(operation, answered, { ...context, now }).operation
    } else if (call?.kind === 'query') {
      const answer = psp.query(queries.shift() ?? true)
      operation = decideStatus(operation, { query: call.query, answer }, context).operation
    }
  }
  psp.arrive()
  return { moves: psp.moves, end: operation, lastSentAt }
}

function check(capabilities: Capabilities, seed?: number): void {
  const options = { numRuns: 2_000, ...(seed !== undefined && { seed }) }
  const property = fc.property(scripts, (script) => {
    const { moves, end } = play(script, capabilities)
    assert.ok(moves <= 1, `${moves} moves`)
    if (end.status === 'FAILED') assert.equal(moves, 0, 'FAILED moved nothing')
    if (end.status === 'COMPLETED') assert.equal(moves, 1, 'COMPLETED moved once')
  })
  fc.assert(property, options)
}

const forgetting: Capabilities = { ...promising, keyLifetimeMs: KEY_MS }

test('rule 9: with a PSP that forgets keys, money moves once for COMPLETED and never for FAILED', () => {
  check(forgetting)
})

test('with a PSP whose not_found proves nothing, the same holds', () => {
  check({ ...forgetting, notFoundProves: false })
})

for (const queryBy of ['its_id', 'none'] as const) {
  test(`with a PSP that is asked by ${queryBy}, the same holds`, () => {
    check({ ...forgetting, notFoundProves: false, queryBy })
  })

  test(`a PSP asked by ${queryBy} is never sent a key that it may have forgotten`, () => {
    const lost = scripts.map((script) => ({
      ...script,
      conducts: script.conducts.map((one) => ({ ...one, answers: 'nothing' as const })),
    }))
    const capabilities: Capabilities = { ...forgetting, notFoundProves: false, queryBy }
    const property = fc.property(lost, (script) => {
      const { moves, end, lastSentAt } = play(script, capabilities)
      assert.ok(moves <= 1)
      assert.ok(lastSentAt < KEY_MS, `sent at ${lastSentAt}`)
      assert.ok(isOver(end) || end.status === 'IN_DOUBT')
      assert.notEqual(end.status === 'FAILED' && script.verdict === 'approved', true)
    })
    fc.assert(property, { numRuns: 1_000 })
  })
}

test('the model finds a key that is sent again after the PSP forgot it', () => {
  assert.throws(
    () => check(promising, 7),
    ({ cause }: Error) => /moves/.test(String(cause)),
  )
})

test('an operation ends once the PSP answers within the life of its key', () => {
  const prompt = scripts.map((script) => ({
    ...script,
    conducts: script.conducts.slice(0, 2).map((one) => ({ ...one, pauseMs: 0 })),
    queries: script.queries.slice(0, 1),
  }))
  const property = fc.property(prompt, (script) => {
    assert.ok(isOver(play(script, forgetting).end))
  })
  fc.assert(property, { numRuns: 1_000 })
})
