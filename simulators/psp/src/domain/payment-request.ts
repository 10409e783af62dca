import { hash } from 'node:crypto'
import { AMOUNTS_BY_CURRENCY, Currency } from '@caudal/contracts/currency-schema.ts'
import { TimeOfRequest } from '@caudal/contracts/time-schemas.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { type Static, Type } from 'typebox'

/** Control characters are refused because PostgreSQL cannot store U+0000. */
export const Printable = (maxLength: number) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    description: 'text without control characters',
  })

/** The body of POST /v1/payments in the PSP's format (P5). */
export const PspPaymentRequest = Type.Object({
  payment_id: Uuid,
  timestamp: TimeOfRequest,
  amount: Type.String({ maxLength: 24 }),
  currency: Currency,
  source: Type.Object({ account_number: Printable(64) }),
  destination: Type.Object({
    name: Printable(255),
    account_number: Printable(64),
    bank_code: Printable(64),
  }),
})

export type PspPaymentRequest = Static<typeof PspPaymentRequest>

/** The same with what the handler checks: the amount is one of its currency. */
export const ReadPspPaymentRequest = Type.Object(PspPaymentRequest.properties, {
  anyOf: AMOUNTS_BY_CURRENCY,
})

/** SHA-256 of the request's values, in hex. JSON formatting and member order do not matter. */
export function paymentFingerprint(request: PspPaymentRequest): string {
  const { source, destination } = request
  const asked = [
    request.payment_id.toLowerCase(),
    request.timestamp,
    request.amount,
    request.currency,
    source.account_number,
    destination.name,
    destination.account_number,
    destination.bank_code,
  ]
  return hash('sha256', JSON.stringify(asked))
}
