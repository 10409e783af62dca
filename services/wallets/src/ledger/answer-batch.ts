import { type Answer, answerTo } from '../commands/answer.ts'
import type { Request } from './domain/command.ts'
import { type Final, isFinal, isKept, type RequestOutcome } from './domain/outcome.ts'
import type { KeyedAnswer } from './store/save-decision.ts'

/**
 * Answers in order; one that repeats another of the batch gets its very bytes (F2). Null where no
 * client waits: for a payment's event, and for the end of a hold's time.
 */
export function answersTo(
  work: readonly { command: Request; traceparent: string | undefined }[],
  outcomes: readonly RequestOutcome[],
): (Answer | null)[] {
  const given = new Map<Final, Answer>()
  return work.map(({ command, traceparent }, index) => {
    const outcome = outcomes[index]!
    if (command.key.clientId === null) return null
    if (outcome.type === 'repeated') {
      const stored = outcome.answer ?? given.get(outcome.outcome)!
      return { ...stored, replayed: true }
    }
    const answer = answerTo(command, outcome, traceparent)
    if (isFinal(outcome)) given.set(outcome, answer)
    return answer
  })
}

/** The answers that bind their keys. */
export function keyedAnswers(
  requests: readonly Request[],
  outcomes: readonly RequestOutcome[],
  answers: readonly (Answer | null)[],
): KeyedAnswer[] {
  const keyed: KeyedAnswer[] = []
  for (const [index, { tenantId, key }] of requests.entries()) {
    const outcome = outcomes[index]!
    const answer = answers[index]!
    if (answer === null || key.clientId === null) continue
    if (!isFinal(outcome) || !isKept(outcome)) continue
    const { clientId, value, fingerprint } = key
    keyed.push({ tenantId, clientId, key: value, fingerprint, answer })
  }
  return keyed
}
