import assert from 'node:assert/strict'
import {
  type Final,
  isFinal,
  isKept,
  type RequestOutcome,
  type StoredAnswer,
} from './domain/outcome.ts'
import type { Work } from './origin.ts'
import type { KeyedAnswer } from './store/save-decision.ts'

/** What a client is answered; `replayed` when the same answer was given before. */
export interface Answer extends StoredAnswer {
  replayed: boolean
}

/**
 * Answers in order; one that repeats another of the batch gets its very bytes (F2). Null where no
 * client waits for one.
 */
export function answersTo(
  work: readonly Work[],
  outcomes: readonly RequestOutcome[],
): (Answer | null)[] {
  const given = new Map<Final, StoredAnswer>()
  return work.map(({ command, origin }, index) => {
    const outcome = outcomes[index]!
    if (origin.answer === undefined) return null
    if (outcome.type === 'repeated') {
      const { status, body } = outcome.answer ?? given.get(outcome.outcome)!
      return { status, body, replayed: true }
    }
    assert(isFinal(outcome), `no client is answered ${outcome.type}`)
    const answer = origin.answer(command, outcome)
    given.set(outcome, answer)
    return { status: answer.status, body: answer.body, replayed: false }
  })
}

/** The answers that bind their keys. */
export function keyedAnswers(
  work: readonly Work[],
  outcomes: readonly RequestOutcome[],
  answers: readonly (Answer | null)[],
): KeyedAnswer[] {
  const keyed: KeyedAnswer[] = []
  for (const [index, { command }] of work.entries()) {
    const outcome = outcomes[index]!
    const answer = answers[index]!
    const { tenantId, key } = command
    if (answer === null || key.clientId === null) continue
    if (!isFinal(outcome) || !isKept(outcome)) continue
    const { clientId, value, fingerprint } = key
    keyed.push({ tenantId, clientId, key: value, fingerprint, answer })
  }
  return keyed
}
