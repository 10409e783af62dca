import { Time } from '@caudal/contracts/payment-views.ts'
import { CASE_REASONS } from '@caudal/contracts/reasons.ts'
import { ReturnView } from '@caudal/contracts/refund-views.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { Type } from 'typebox'
import type { ReturnedMoney } from '../../domain/returned-money.ts'
import { CASE_STATUSES, type StoredCase } from '../../store/list-cases.ts'

const orNull = (description: string) => Type.Union([Type.Null(), Type.String()], { description })

/** A return as staff sees it: without a payment if the evidence names none. */
export const StaffReturnView = Type.Object({
  ...ReturnView.properties,
  payment_id: Type.Union([Type.Null(), Uuid]),
  user_id: Type.Union([Type.Null(), Uuid]),
  psp: Type.String(),
  reference: Type.String({ description: "The PSP's id of the return." }),
  suspended_for: Type.Union([Type.Null(), Type.Enum([...CASE_REASONS])]),
})

/** A case in HTTP answers. */
export const CaseView = Type.Object({
  case_id: Uuid,
  reason: Type.Enum([...CASE_REASONS]),
  subject: Type.Object({
    type: Type.Enum(['payment', 'refund', 'return', 'dispute', 'callback']),
    id: Uuid,
  }),
  payment_id: Type.Union([Type.Null(), Uuid]),
  user_id: Type.Union([Type.Null(), Uuid]),
  amount: orNull("Decimal with the currency's exponent."),
  currency: orNull('ISO 4217'),
  detail: Type.String(),
  status: Type.Enum([...CASE_STATUSES]),
  version: Type.Integer(),
  opened_at: Time,
})

/** The return for the owner of `paymentId`. */
export function viewReturn(returned: ReturnedMoney, paymentId: string) {
  return { ...commonOf(returned), payment_id: paymentId }
}

/** The return for staff. */
export function viewReturnForStaff(returned: ReturnedMoney) {
  const { paymentId, userId, psp, reference, suspendedFor } = returned
  return {
    ...commonOf(returned),
    payment_id: paymentId,
    user_id: userId,
    psp,
    reference,
    suspended_for: suspendedFor,
  }
}

function commonOf(returned: ReturnedMoney) {
  return {
    return_id: returned.returnId,
    status: returned.status,
    amount: formatAmount(returned.amountMinor, returned.currency),
    currency: returned.currency,
    ...(returned.chargesMinor > 0n && {
      charges: formatAmount(returned.chargesMinor, returned.currency),
    }),
    reason: returned.reason,
    reason_code: returned.reasonCode,
    version: returned.version,
    created_at: returned.receivedAt.toISOString(),
    updated_at: returned.updatedAt.toISOString(),
  }
}

/** The case for staff. */
export function viewCase(one: StoredCase) {
  const { payment, amountMinor, currency } = one
  const isMoney = amountMinor !== null && currency !== null
  return {
    case_id: one.caseId,
    reason: one.reason,
    subject: one.subject,
    payment_id: payment?.paymentId ?? null,
    user_id: payment?.userId ?? null,
    amount: isMoney ? formatAmount(amountMinor, currency) : null,
    currency,
    detail: one.detail,
    status: one.status,
    version: one.version,
    opened_at: one.openedAt.toISOString(),
  }
}
