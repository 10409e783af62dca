import type { Deadline } from '@caudal/outbound/deadline.ts'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'

/** What is to be paid, as the PSP's API names it. */
export type PaymentOrder = {
  paymentId: string
  /** RFC 3339; the same whenever the order is made again from its event. */
  requestedAt: string
  amount: string
  currency: string
  /** The operator's own account. */
  sourceAccountNumber: string
  destination: { name: string; accountNumber: string; bankCode: string }
}

/** A request to pay, frozen when its first attempt was recorded (rule 9). */
export type FrozenRequest = {
  paymentId: string
  /** The same bytes for every attempt. */
  body: Buffer
  traceparent: string | null
}

/** What goes on record of one call beside its outcome. */
export type CallFacts = {
  httpStatus: number | null
  /** The answer's first bytes as they came, 4 KiB at most. */
  answerBody: Buffer | null
  latencyMs: number
  /** Why there is no verdict, for people and metrics; null when there is one. */
  errorClass: string | null
}

export type Sent = { outcome: SendOutcome; facts: CallFacts }
export type Found = { answer: StatusAnswer; facts: CallFacts }

/**
 * A payment service provider. Whatever is particular to one (fields of a country, spelling of
 * codes) stays inside its adapter (P5). Calls never reject: a fault is an outcome.
 */
export type PspAdapter = {
  /** The bytes of the request to pay: the same order gives the same bytes. */
  freeze(order: PaymentOrder): Buffer
  /** Asks to pay, once: never repeats by itself, never writes after the deadline. */
  send(request: FrozenRequest, deadline: Deadline): Promise<Sent>
  /** Asks what became of a payment. */
  find(query: StatusQuery, deadline: Deadline): Promise<Found>
  close(): Promise<void>
}

/** Amount and currency must be those of the answer, where it names them. */
export type StatusQuery = {
  paymentId: string
  amount: string
  currency: string
  traceparent: string | null
}
