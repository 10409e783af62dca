import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import { followUpOf } from '../domain/choose-reversal.ts'
import { decideOutcome } from '../domain/decide-outcome.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import { resultEvents } from '../messaging/result-event.ts'
import { isNotAwaited, saveVerdicts, type AttemptVerdict } from '../store/save-verdicts.ts'
import type { SentResult } from './call-psp.ts'
import type { RecordAnswersDeps } from './record-answers.ts'

/** Whether the result is a verdict, as nearly all results are. */
export function isVerdict({ sent: { outcome } }: SentResult): boolean {
  return outcome.kind === 'approved' || outcome.kind === 'declined'
}

/**
 * The fast path: a verdict on an attempt of this instance ends the operation, unless another
 * transaction has changed it. The single statement that writes everything checks that. Returns what
 * was emitted; null if nothing was written because some operation had changed, because some
 * transaction id is known already, because facts wait for one, or because another operation
 * follows.
 *
 * The time of the event is the one exception to the clock read behind the locks: its payload is
 * made before the statement that locks, and asking first would be another round trip. It is the
 * database's time when the attempt began plus the monotonic time since, so never before that.
 */
export async function recordVerdicts(
  deps: Pick<RecordAnswersDeps, 'db' | 'table' | 'region' | 'policy' | 'adapter'>,
  results: readonly SentResult[],
): Promise<{ facts: OperationFacts; emission: Emission }[] | null> {
  const { db, table, region, policy } = deps
  const { capabilities } = deps.adapter
  const verdicts: AttemptVerdict[] = []
  const events: OutboxEvent[] = []
  const emitted: { facts: OperationFacts; emission: Emission }[] = []
  for (const { facts, attempt, begun, sent } of results) {
    // The database's time when the attempt began, plus the time since then.
    const now = Math.round(begun.at + performance.now() - begun.clock)
    const { outcome } = sent
    const context = { now, jitter: 0, policy, capabilities }
    const decision = decideOutcome(begun.state, { attempt, outcome }, context)
    const { emission, operation: state } = decision
    if (!emission || followUpOf(facts, emission) !== null) return null
    const answered = {
      operationId: facts.operationId,
      number: attempt,
      status: emission.kind === 'completed' ? 'APPROVED' : 'DECLINED',
      httpStatus: sent.facts.httpStatus ?? 0,
      answerBody: sent.facts.answerBody,
      latencyMs: sent.facts.latencyMs,
    } as const
    const transactionId =
      outcome.kind === 'approved' ? outcome.response.gateway_transaction_id : null
    verdicts.push({ expected: begun.state.status, state, transactionId, answered })
    events.push(...resultEvents(facts, emission, { region, now, psp: state.psp }))
    emitted.push({ facts, emission })
  }
  try {
    await saveVerdicts(db, table, verdicts, events)
  } catch (error) {
    if (isNotAwaited(error)) return null
    throw error
  }
  return emitted
}
