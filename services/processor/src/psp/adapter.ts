import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import type { Capabilities } from '../domain/capabilities.ts'
import type { OperationKind } from '../domain/operation-facts.ts'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'
import type { PspOrder } from '../domain/psp-order.ts'
import type { ExpectedOperation } from './read-verdict.ts'

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

/** A callback as it arrived. Names of headers are in lower case. */
export type RawCallback = {
  headers: Readonly<Record<string, string | string[] | undefined>>
  rawBody: Buffer
}

/**
 * Whether one of the secrets made a signature over the bytes. `signedAt` is the signed time, in
 * milliseconds since the epoch; null if the PSP signs none. The core judges its age.
 */
export type VerifiedCallback = { verified: true; signedAt: number | null } | { verified: false }

/**
 * The language of one payment service provider: its fields, spellings and codes stay inside (P5).
 * An adapter is pure. It does no I/O, reads no clock and keeps no state; the client in
 * `psp-client.ts` owns connections, deadlines and faults, and takes an adapter that throws for an
 * ambiguous answer (rule 9). Each function serves every kind of operation.
 */
export type PspAdapter = {
  capabilities: Capabilities
  /** The bytes of the request. The same order gives the same bytes. */
  freeze(order: PspOrder): Buffer
  encode: {
    /** The request to carry the operation out, with its frozen bytes and its idempotency key. */
    execute(expected: ExpectedOperation, body: Buffer): PspRequest
    /** The question what became of the operation; `itsId` is the PSP's id of it, if known. */
    query(expected: ExpectedOperation, itsId: string | null): PspRequest
  }
  decode: {
    execute(expected: ExpectedOperation, response: PspResponse): Decoded<SendOutcome>
    query(expected: ExpectedOperation, response: PspResponse): Decoded<StatusAnswer>
  }
  /** Checks the signature over the raw bytes, in constant time, against every secret. */
  verifyCallback(
    callback: RawCallback,
    secrets: readonly string[],
    /** Milliseconds since the epoch. */
    now: number,
  ): VerifiedCallback
  /**
   * The facts of a verified callback, in order. One bad item does not hide the others: it becomes a
   * fact with the state `unknown`. A body that cannot be read at all has no facts.
   */
  parseCallback(rawBody: Buffer): CallbackFact[]
  /** The PSP's code of a declined operation in our words; `other` if it is not known (E7). */
  declineCode(kind: OperationKind, errorCode: string | undefined): DeclineCode
}
