import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { decideOutcome } from '../domain/decide-outcome.ts'
import type { Emission } from '../domain/decision.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { resultEvent } from '../messaging/result-event.ts'
import { isNotAwaited, saveVerdicts, type AttemptVerdict } from '../store/save-verdicts.ts'
import type { SentResult } from './call-psp.ts'

/** Whether the result is a verdict, as nearly all results are. */
export function isVerdict({ sent: { outcome } }: SentResult): boolean {
  return outcome.kind === 'approved' || outcome.kind === 'declined'
}

/**
 * The fast path: a verdict on an attempt of this instance ends the payment, unless another
 * transaction has changed it. The single statement that writes everything checks that. Returns what
 * was emitted; null if nothing was written because some payment had changed, or because some
 * transaction id is known already.
 *
 * The time of the event is the one exception to the clock read behind the locks: its payload is
 * made before the statement that locks, and asking first would be another round trip. It is the
 * database's time when the attempt began plus the monotonic time since, so never before that.
 */
export async function recordVerdicts(
  { db, region, policy }: { db: Db; region: string; policy: RetryPolicy },
  results: readonly SentResult[],
): Promise<{ facts: PaymentFacts; emission: Emission }[] | null> {
  const verdicts: AttemptVerdict[] = []
  const events: OutboxEvent[] = []
  const emitted: { facts: PaymentFacts; emission: Emission }[] = []
  for (const { facts, attempt, begun, sent } of results) {
    // The database's time when the attempt began, plus the time since then.
    const now = Math.round(begun.at + performance.now() - begun.clock)
    const { outcome } = sent
    const context = { now, jitter: 0, policy }
    const decision = decideOutcome(begun.state, { attempt, outcome }, context)
    const { emission, payment: state } = decision
    if (!emission) return null
    const answered = {
      paymentId: facts.paymentId,
      number: attempt,
      status: emission.kind === 'completed' ? 'APPROVED' : 'DECLINED',
      httpStatus: sent.facts.httpStatus ?? 0,
      answerBody: sent.facts.answerBody,
      latencyMs: sent.facts.latencyMs,
    } as const
    const transactionId =
      outcome.kind === 'approved' ? outcome.response.gateway_transaction_id : null
    verdicts.push({ expected: begun.state.status, state, transactionId, answered })
    events.push(resultEvent(facts, emission, { region, now }))
    emitted.push({ facts, emission })
  }
  try {
    await saveVerdicts(db, verdicts, events)
  } catch (error) {
    if (isNotAwaited(error)) return null
    throw error
  }
  return emitted
}
