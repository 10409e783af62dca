import { hash } from 'node:crypto'
import { AMOUNTS_BY_CURRENCY, Currency } from '@caudal/contracts/currency-schema.ts'
import { TimeOfRequest } from '@caudal/contracts/time-schemas.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { type Static, Type } from 'typebox'

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

/** SHA-256 of the request's values, in hex. JSON formatting and member order do not matter. */
export function movementFingerprint(values: readonly string[]): string {
  return hash('sha256', JSON.stringify(values))
}
