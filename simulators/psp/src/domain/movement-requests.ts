import { hash } from 'node:crypto'
import { AMOUNTS_BY_CURRENCY, Currency } from '@caudal/contracts/currency-schema.ts'
import { TimeOfRequest } from '@caudal/contracts/time-schemas.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { type Static, Type } from 'typebox'
import { Printable } from './payment-request.ts'

/** The body of POST /v1/refunds in the PSP's format. */
export const RefundRequest = Type.Object({
  refund_id: Uuid,
  payment_id: Uuid,
  gateway_transaction_id: Uuid,
  timestamp: TimeOfRequest,
  amount: Type.String({ maxLength: 24 }),
  currency: Currency,
})

export type RefundRequest = Static<typeof RefundRequest>

/** The same with what the handler checks: the amount is one of its currency. */
export const ReadRefundRequest = Type.Object(RefundRequest.properties, {
  anyOf: AMOUNTS_BY_CURRENCY,
})

/** The body of POST /v1/voids in the PSP's format. */
export const VoidRequest = Type.Object({
  void_id: Uuid,
  payment_id: Uuid,
  gateway_transaction_id: Uuid,
  timestamp: TimeOfRequest,
})

export type VoidRequest = Static<typeof VoidRequest>

/** The body of POST /v1/payouts in the PSP's format: money to an account, as in a payment. */
export const PayoutRequest = Type.Object({
  payout_id: Uuid,
  timestamp: TimeOfRequest,
  amount: Type.String({ maxLength: 24 }),
  currency: Currency,
  source_account_number: Printable(64),
  name: Printable(255),
  account_number: Printable(64),
  bank_code: Printable(64),
})

export type PayoutRequest = Static<typeof PayoutRequest>

/** The same with what the handler checks: the amount is one of its currency. */
export const ReadPayoutRequest = Type.Object(PayoutRequest.properties, {
  anyOf: AMOUNTS_BY_CURRENCY,
})

/** SHA-256 of the request's values, in hex. JSON formatting and member order do not matter. */
export function movementFingerprint(values: readonly string[]): string {
  return hash('sha256', JSON.stringify(values))
}
