import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { Type } from 'typebox'

/** Money that moved to a destination. */
export interface Charge {
  paymentId: string
  gatewayTransactionId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
  at: Date
}

/** A charge in `GET /admin/charges`. */
export const ChargeItem = Type.Object({
  payment_id: Uuid,
  gateway_transaction_id: Type.String(),
  amount: Type.String(),
  currency: Type.String(),
  account_number: Type.String(),
  at: Type.String(),
})

/** The charge as its list shows it. */
export function showCharge(charge: Charge) {
  return {
    payment_id: charge.paymentId,
    gateway_transaction_id: charge.gatewayTransactionId,
    amount: formatAmount(charge.amountMinor, charge.currency),
    currency: charge.currency,
    account_number: charge.accountNumber,
    at: charge.at.toISOString(),
  }
}
