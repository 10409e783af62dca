import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'
import type { ExpectedPayment } from './read-verdict.ts'

/** A payment in the terms of the PSP's API. */
export type PaymentOrder = {
  paymentId: string
  /** RFC 3339. Taken from the event, so that a rebuilt request has the same value. */
  requestedAt: string
  amount: string
  currency: string
  /** The operator's own account. */
  sourceAccountNumber: string
  destination: { name: string; accountNumber: string; bankCode: string }
}

/** An HTTP request to a PSP, without the connection. `body` is null where there is none. */
export type PspRequest = {
  method: 'GET' | 'POST'
  /** Below the base URL of the PSP, such as `/v1/payments`. */
  path: string
  headers: Readonly<Record<string, string>>
  body: Buffer | null
}

/** A complete HTTP answer of a PSP. */
export type PspResponse = {
  httpStatus: number
  /** From the header Retry-After; null if there is none that can be read. */
  retryAfterMs: number | null
  body: Buffer
}

/** What an answer means. */
export type Decoded<T> = {
  outcome: T
  /** Why the answer is no verdict, for operators and metrics; null if it is one. */
  errorClass: string | null
}

/**
 * The language of one payment service provider: its fields, spellings and codes stay inside (P5).
 * An adapter is pure. It does no I/O, reads no clock and keeps no state; the client in
 * `psp-client.ts` owns connections, deadlines and faults, and takes an adapter that throws for an
 * ambiguous answer (rule 9).
 */
export type PspAdapter = {
  /** The bytes of the payment request. The same order gives the same bytes. */
  freeze(order: PaymentOrder): Buffer
  /** The request to pay, with the frozen bytes and the payment's idempotency key. */
  encodePayment(expected: ExpectedPayment, body: Buffer): PspRequest
  /** The question what became of a payment. */
  encodeQuery(expected: ExpectedPayment): PspRequest
  decodePayment(expected: ExpectedPayment, response: PspResponse): Decoded<SendOutcome>
  decodeQuery(expected: ExpectedPayment, response: PspResponse): Decoded<StatusAnswer>
}
