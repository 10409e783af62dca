import { type CaudalEvent, type EventType, schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type {
  DisputeOpened,
  PspContradicted,
  ReturnReceived,
} from '@caudal/contracts/events/psp-facts.ts'
import { disputeIdOf, returnIdOf, reversalIdOf } from '@caudal/contracts/ids.ts'
import { returnCodeOf } from '@caudal/contracts/return-reasons.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Contradiction, Disputed, LateTruth, MoneyReturned } from '../domain/decision.ts'
import type { Approval } from '../domain/outcome.ts'

type Envelope = Omit<ReturnReceived, 'event_type' | 'schema_version' | keyof OfReturn> & {
  psp: string
}
type OfReturn = Pick<
  ReturnReceived,
  | 'return_id'
  | 'amount'
  | 'charges'
  | 'currency'
  | 'reference'
  | 'reason'
  | 'reason_code'
  | 'payment'
  | 'psp'
>
type Known = { payment_id: string; user_id: string }
type OfPayment = Envelope & Known & { amount: string; currency: string }
type Reversed = Extract<LateTruth, { kind: 'reversed' }>

const REVERSED = 'payment reversed'
const NOT_STATED = 'not stated'

/** Type and version of an event. */
export function ofType<T extends EventType>(type: T) {
  return { event_type: type, schema_version: schemaVersionOf(type) }
}

/** The money of a payment that had FAILED moved. */
export function lateEvent(of: OfPayment, response: Approval): CaudalEvent {
  return { ...of, ...ofType('payment.captured_late'), gateway_response: response }
}

/** Money of a payment went back for which no refund is under way. */
export function foundEvent(of: OfPayment & { refund_id: string }, response: Approval): CaudalEvent {
  return { ...of, ...ofType('refund.found'), gateway_response: response }
}

/** The bank returned money of the payment, the PSP reversed it, or its payer disputes it. */
export function unaskedEvent(
  of: Envelope,
  emission: Reversed | MoneyReturned | Disputed,
  payment: Known & { amount: string; currency: string },
): CaudalEvent {
  const known = { payment: { payment_id: payment.payment_id, user_id: payment.user_id } }
  const envelope = onlyEnvelope(of)
  if (emission.kind === 'disputed') return disputeEvent({ ...of, ...known }, emission)
  if (emission.kind === 'returned') {
    return { ...envelope, ...ofType('return.received'), ...returnedOf(of.psp, emission), ...known }
  }
  const { transactionId, reason } = emission
  return {
    ...envelope,
    ...ofType('return.received'),
    return_id: reversalIdOf(of.psp, transactionId),
    reference: transactionId,
    amount: payment.amount,
    currency: payment.currency,
    reason: reason ?? REVERSED,
    reason_code: 'payment_reversed',
    ...known,
  }
}

/** A dispute opened, or ended. */
function disputeEvent(
  of: Envelope & Pick<DisputeOpened, 'payment'>,
  { outcome, reference, amountMinor, currency, reason }: Disputed,
): CaudalEvent {
  const fields = {
    ...onlyEnvelope(of),
    dispute_id: disputeIdOf(of.psp, reference),
    reference,
    amount: formatAmount(amountMinor, currency),
    currency,
    reason: reason ?? NOT_STATED,
    ...(of.payment && { payment: of.payment }),
  }
  return outcome === null
    ? { ...fields, ...ofType('dispute.opened') }
    : { ...fields, ...ofType('dispute.closed'), outcome }
}

/** A return or a dispute of no payment of ours. Its key is its own id. */
export function unmatchedEvent(
  of: Omit<Envelope, 'account_id'>,
  reported: MoneyReturned | Disputed,
): CaudalEvent {
  if (reported.kind === 'disputed') {
    return disputeEvent({ ...of, account_id: disputeIdOf(of.psp, reported.reference) }, reported)
  }
  const fields = returnedOf(of.psp, reported)
  const envelope = onlyEnvelope({ ...of, account_id: fields.return_id })
  return { ...envelope, ...ofType('return.received'), ...fields }
}

function returnedOf(psp: string, returned: MoneyReturned) {
  const { reference, amountMinor, chargesMinor, currency, reason } = returned
  return {
    return_id: returnIdOf(psp, reference),
    reference,
    amount: formatAmount(amountMinor, currency),
    ...(chargesMinor !== null && { charges: formatAmount(chargesMinor, currency) }),
    currency,
    reason: reason ?? NOT_STATED,
    reason_code: reason === null ? ('not_specified' as const) : returnCodeOf(reason),
  }
}

/** A fact that contradicts its subject. */
export function contradictionEvent(
  of: Envelope,
  { contradiction, detail, amountMinor, currency }: Contradiction,
  about: { subject: PspContradicted['subject']; of?: Known },
): CaudalEvent {
  const { subject, of: known } = about
  return {
    ...onlyEnvelope(of),
    ...ofType('psp.contradicted'),
    contradiction,
    subject,
    detail,
    ...(amountMinor !== undefined &&
      currency !== undefined && { amount: formatAmount(amountMinor, currency), currency }),
    ...(known && { payment: { payment_id: known.payment_id, user_id: known.user_id } }),
  }
}

/** Only the envelope: events are not to have members of others. */
function onlyEnvelope(of: Envelope): Envelope {
  const { event_id, region, tenant_id, actor, timestamp, account_id, psp } = of
  return { event_id, region, tenant_id, actor, timestamp, account_id, psp }
}
