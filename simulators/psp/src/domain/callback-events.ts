import { randomUUID } from 'node:crypto'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { NewCallback } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import { type CallbackPlan, oppositeOf, type Verdict } from '@caudal/simulator-kit/plan-outcome.ts'
import { declineCode, type DecidedKind } from './movement.ts'
import { PAYMENT_DECLINE } from './payment-responses.ts'

/** A verdict that the bank reports. */
export interface ReportedVerdict {
  kind: 'payment' | DecidedKind
  /** The payment, or the movement. */
  subjectId: string
  /** null for a payout. */
  paymentId: string | null
  /** The ids of the movement; only the bank's own for a refund from its console. */
  ids: Readonly<Record<string, string>>
  gatewayTransactionId: string | null
  verdict: Verdict
  /** null if the bank knows none, as of a void without a charge. */
  amountMinor: bigint | null
  /** What the bank kept of a return. */
  chargesMinor?: bigint
  currency: string | null
  /** Why it failed, or why the bank returned the money. */
  reasonCode: string | null
}

/** A reversal is reported after the approval, unless the receiver was not there for it. */
const REVERSAL_AFTER_MS = 100

/** The callbacks about a verdict, as a behaviour plans them. */
export function callbacksOf(reported: ReportedVerdict, plan: CallbackPlan): NewCallback[] {
  const { subjectId, kind } = reported
  const { delayMs } = plan
  const body = JSON.stringify(eventOf(lieAbout(reported, plan.lie)))
  const callbacks = Array.from({ length: plan.copies }, () => ({ subjectId, body, delayMs }))
  if (!plan.reverses || reported.verdict !== 'approved' || !isReversible(kind)) return callbacks
  const reversed = JSON.stringify(eventOf(reported, 'reversed'))
  return [...callbacks, { subjectId, body: reversed, delayMs: delayMs + REVERSAL_AFTER_MS }]
}

/** Whether `reverse_after_success` takes back an approval of this kind. */
export function isReversible(kind: ReportedVerdict['kind']): boolean {
  return kind === 'payment' || kind === 'refund' || kind === 'payout'
}

function lieAbout(reported: ReportedVerdict, lie: CallbackPlan['lie']): ReportedVerdict {
  if (lie === 'wrong_amount') {
    return { ...reported, amountMinor: reported.amountMinor === 1n ? 2n : 1n }
  }
  if (lie === null || reported.kind === 'return') return reported
  const verdict = oppositeOf(reported.verdict)
  const code = reported.kind === 'payment' ? PAYMENT_DECLINE.error_code : declineCode(reported.kind)
  return { ...reported, verdict, reasonCode: verdict === 'failed' ? code : null }
}

function eventOf(reported: ReportedVerdict, state?: 'reversed'): Record<string, unknown> {
  const { kind, paymentId, ids, gatewayTransactionId, amountMinor, currency } = reported
  const { chargesMinor = 0n } = reported
  const status = kind === 'return' ? 'returned' : (state ?? reported.verdict)
  return {
    event_id: randomUUID(),
    type: kind === 'return' ? 'payment.returned' : `${kind}.${status}`,
    ...(paymentId !== null && { payment_id: paymentId }),
    ...ids,
    ...(gatewayTransactionId !== null && { gateway_transaction_id: gatewayTransactionId }),
    status,
    ...(amountMinor !== null &&
      currency !== null && { amount: formatAmount(amountMinor, currency), currency }),
    ...(chargesMinor > 0n &&
      currency !== null && { charges: formatAmount(chargesMinor, currency) }),
    ...(reported.reasonCode !== null && { reason_code: reported.reasonCode }),
    occurred_at: new Date().toISOString(),
  }
}
