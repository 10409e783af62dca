import type {
  DisputeClosed,
  DisputeOpened,
  ReturnReceived,
} from '@caudal/contracts/events/psp-facts.ts'
import type { CaseReason, DisputeOutcome } from '@caudal/contracts/reasons.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { mismatchOf } from './mismatch-of.ts'
import type { Payment } from './payment.ts'

/** A dispute of the payer: one, whatever the number of its evidences and their order. */
export interface Dispute {
  disputeId: string
  tenantId: string
  /** The partition key of its first event: the wallet's account, or the dispute itself. */
  accountId: string
  /** The payment with its user; null where no evidence names one. */
  paymentId: string | null
  userId: string | null
  psp: string
  amountMinor: bigint
  currency: string
  /** The PSP's id of the dispute. */
  reference: string
  /** As the PSP spells it. */
  reason: string
  /** null: it is open. */
  outcome: DisputeOutcome | null
  /** Counts the states, from 1. */
  version: number
  receivedAt: Date
  updatedAt: Date
}

/** Where a dispute stands after an evidence. */
export interface DisputeStep {
  dispute: Dispute
  /** Whether the dispute is new or changed. */
  isKept: boolean
  /** The reason of the case to open. */
  caseReason?: CaseReason
  /** The dispute is lost now: the return that its money is. */
  lost?: ReturnReceived
}

/**
 * Applies an evidence about a dispute; null if it changes nothing. The end may arrive before the
 * beginning, and the first end stands. A dispute is a case from its first evidence on. Evidence of
 * another amount or currency, or of another end, changes nothing and is a case too.
 */
export function receiveDispute(
  known: Dispute | undefined,
  payment: Payment | undefined,
  { event, now }: { event: DisputeOpened | DisputeClosed; now: Date },
): DisputeStep | null {
  const stated = newDispute(event, now)
  const { amountMinor, currency, outcome } = stated
  const expected = known ?? { amountMinor, currency: payment?.currency ?? currency }
  const mismatch = mismatchOf(expected, stated)
  if (mismatch) {
    const dispute = { ...(known ?? stated), amountMinor, currency }
    return { dispute, isKept: false, caseReason: mismatch }
  }
  const lost = event.event_type === 'dispute.closed' && outcome === 'lost' ? asReturn(event) : null
  if (!known) {
    return { dispute: stated, isKept: true, caseReason: 'payment_disputed', ...(lost && { lost }) }
  }
  if (outcome !== null && known.outcome !== null && known.outcome !== outcome) {
    return { dispute: known, isKept: false, caseReason: 'dispute_outcome_changed' }
  }
  const isClosed = known.outcome === null && outcome !== null
  const isNamed = known.paymentId === null && stated.paymentId !== null
  if (!isClosed && !isNamed) return null
  const dispute: Dispute = {
    ...known,
    ...(isNamed && { paymentId: stated.paymentId, userId: stated.userId }),
    outcome: known.outcome ?? outcome,
    version: known.version + 1,
    updatedAt: now,
  }
  return { dispute, isKept: true, ...(isClosed && lost && { lost }) }
}

function newDispute(event: DisputeOpened | DisputeClosed, now: Date): Dispute {
  return {
    disputeId: event.dispute_id,
    tenantId: event.tenant_id,
    accountId: event.account_id,
    paymentId: event.payment?.payment_id ?? null,
    userId: event.payment?.user_id ?? null,
    psp: event.psp,
    amountMinor: parseAmount(event.amount, event.currency),
    currency: event.currency,
    reference: event.reference,
    reason: event.reason,
    outcome: event.event_type === 'dispute.closed' ? event.outcome : null,
    version: 1,
    receivedAt: now,
    updatedAt: now,
  }
}

/** The money of a lost dispute came back: it is decided and booked as any return. */
function asReturn({ dispute_id: returnId, outcome: _, ...event }: DisputeClosed): ReturnReceived {
  return {
    ...event,
    event_type: 'return.received',
    return_id: returnId,
    reason_code: 'dispute_lost',
  }
}
