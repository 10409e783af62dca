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
  /** Of a dispute that is lost: the return that its money is. */
  lost?: ReturnReceived
}

/**
 * Applies an evidence about a dispute. The end may arrive before the beginning, the first end
 * stands, and the payment may be named later. A dispute is a case from its first evidence on.
 * Evidence of another amount or currency changes nothing and is a case too, and so is another end.
 */
export function receiveDispute(
  known: Dispute | undefined,
  payment: Payment | undefined,
  { event, now }: { event: DisputeOpened | DisputeClosed; now: Date },
): DisputeStep {
  const stated = newDispute(event, now)
  const { amountMinor, currency, outcome } = stated
  const expected = known ?? stated
  const mismatch = mismatchOf({ ...expected, currency: (payment ?? expected).currency }, stated)
  if (mismatch) {
    const dispute = { ...(known ?? stated), amountMinor, currency }
    return { dispute, isKept: false, caseReason: mismatch }
  }
  const dispute = known ? learn(known, stated) : stated
  const isKept = dispute !== known
  const lost = dispute.outcome === 'lost' && { lost: asReturn(event) }
  const isOtherEnd = outcome !== null && dispute.outcome !== outcome
  // The case of a named dispute is open already, unless the payment is of another tenant.
  const isNamed = dispute.paymentId !== (known?.paymentId ?? null)
  const isToOpen = !known || isNamed
  if (isOtherEnd) return { dispute, isKept, caseReason: 'dispute_outcome_changed', ...lost }
  return { dispute, isKept, ...(isToOpen && { caseReason: 'payment_disputed' }), ...lost }
}

/** The dispute with its payment and its end, if the evidence is the first to state them. */
function learn(known: Dispute, stated: Dispute): Dispute {
  const isNamed = known.paymentId === null && stated.paymentId !== null
  const isClosed = known.outcome === null && stated.outcome !== null
  if (!isNamed && !isClosed) return known
  const { tenantId, paymentId, userId } = isNamed ? stated : known
  const outcome = known.outcome ?? stated.outcome
  const version = known.version + 1
  return { ...known, tenantId, paymentId, userId, outcome, version, updatedAt: stated.updatedAt }
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

/** The PSP took the money from the payee and gave it back: decided and booked as any return. */
function asReturn(event: DisputeOpened | DisputeClosed): ReturnReceived {
  const { dispute_id: returnId, ...rest } = event
  return {
    ...rest,
    event_type: 'return.received',
    return_id: returnId,
    reason_code: 'dispute_lost',
  }
}
