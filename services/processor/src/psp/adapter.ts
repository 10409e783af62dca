import type { Deadline } from '@caudal/outbound/deadline.ts'
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

/** A payment request, frozen when its first attempt was recorded (rule 9). */
export type FrozenRequest = {
  expected: ExpectedPayment
  /** The same bytes for every attempt. */
  body: Buffer
  traceparent: string | null
}

/** What is recorded of one call in addition to its outcome. */
export type CallFacts = {
  httpStatus: number | null
  /** The first bytes of the answer, at most 4 KiB, with card numbers masked. */
  answerBody: Buffer | null
  latencyMs: number
  /** Why there is no verdict, for operators and metrics; null if there is one. */
  errorClass: string | null
}

export type Sent = { outcome: SendOutcome; facts: CallFacts }
export type Found = { answer: StatusAnswer; facts: CallFacts }

/**
 * A payment service provider. Its peculiarities (fields of a country, spelling of codes) stay
 * inside its adapter (P5). Calls never reject: a fault is an outcome.
 */
export type PspAdapter = {
  /** The bytes of the payment request. The same order gives the same bytes. */
  freeze(order: PaymentOrder): Buffer
  /** Sends the payment request once: never repeats it, never writes after the deadline. */
  send(request: FrozenRequest, deadline: Deadline): Promise<Sent>
  /** Queries the status of a payment. */
  find(query: StatusQuery, deadline: Deadline): Promise<Found>
  close(): Promise<void>
}

/** A question what became of a payment. */
export type StatusQuery = { expected: ExpectedPayment; traceparent: string | null }
