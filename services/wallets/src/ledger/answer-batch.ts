import assert from 'node:assert/strict'
import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import {
  type Final,
  isFinalOutcome,
  isKept,
  type RequestOutcome,
  type CommandAnswer,
} from './domain/outcome.ts'
import type { Work } from './origin.ts'

/** What a client is answered; `replayed` when the same answer was given before. */
export interface Answer extends CommandAnswer {
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
  const given = new Map<Final, CommandAnswer>()
  return work.map(({ command, origin }, index) => {
    const outcome = outcomes[index]!
    if (origin.answer === undefined) return null
    if (outcome.type === 'repeated') {
      const { status, body } = outcome.answer ?? given.get(outcome.outcome)!
      return { status, body, replayed: true }
    }
    assert(isFinalOutcome(outcome), `no client is answered ${outcome.type}`)
    const answer = origin.answer(command, outcome)
    given.set(outcome, answer)
    return { status: answer.status, body: answer.body, replayed: false }
  })
}

/** The idempotency keys that the batch binds, with their answers. */
export function keysBoundBy(
  work: readonly Work[],
  outcomes: readonly RequestOutcome[],
  answers: readonly (Answer | null)[],
): BoundKey[] {
  const bound: BoundKey[] = []
  for (const [index, { command }] of work.entries()) {
    const outcome = outcomes[index]!
    const answer = answers[index]!
    const { tenantId, key } = command
    if (answer === null || key.clientId === null) continue
    if (!isFinalOutcome(outcome) || !isKept(outcome)) continue
    const { clientId: principalId, value: idempotencyKey, fingerprint } = key
    const { status, body } = answer
    bound.push({
      tenantId,
      principalId,
      idempotencyKey,
      fingerprint,
      status,
      body,
      resourceId: null,
    })
  }
  return bound
}
