import { hash } from 'node:crypto'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { type Static, Type } from 'typebox'

// Control characters are refused because PostgreSQL cannot store U+0000.
const Printable = (maxLength: number) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    description: 'text without control characters',
  })

/** The body of POST /v1/payments in the PSP's format (P5). */
export const PspPaymentRequest = Type.Object({
  payment_id: Uuid,
  timestamp: Type.String({
    maxLength: 40,
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$',
    description: 'a time (RFC 3339)',
  }),
  amount: Type.String({ maxLength: 24 }),
  currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'three capital letters (ISO 4217)' }),
  source: Type.Object({ account_number: Printable(64) }),
  destination: Type.Object({
    name: Printable(255),
    account_number: Printable(64),
    bank_code: Printable(64),
  }),
})

export type PspPaymentRequest = Static<typeof PspPaymentRequest>

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
