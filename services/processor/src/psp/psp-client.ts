import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import type { Deadline } from '@caudal/outbound/deadline.ts'
import { retryAfterMs } from '@caudal/outbound/retry-after.ts'
import {
  ESCAPE_BYTES,
  LONGEST_CARD_NUMBER,
  maskCardNumbersIn,
} from '@caudal/telemetry/mask-numbers.ts'
import { Pool } from 'undici'
import type { SendOutcome, StatusAnswer } from '../domain/outcome.ts'
import type { Decoded, PspAdapter, PspRequest, PspResponse } from './adapter.ts'
import { exchange, type Exchanged } from './exchange.ts'
import type { ExpectedOperation } from './read-verdict.ts'

/** A request, frozen before its first attempt was recorded (rule 9). */
export type FrozenRequest = {
  expected: ExpectedOperation
  /** The same bytes for every attempt. */
  body: Buffer
  traceparent: string | null
}

/** A question what became of an operation. */
export type StatusQuery = {
  expected: ExpectedOperation
  /** The PSP's own id of the operation; null if it is not known. */
  itsId: string | null
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

/** The connections to a PSP. Calls never reject: a fault is an outcome. */
export type PspClient = {
  /** Sends the request once: never repeats it, never writes after the deadline. */
  send(request: FrozenRequest, deadline: Deadline): Promise<Sent>
  /** Queries the status of an operation. */
  find(query: StatusQuery, deadline: Deadline): Promise<Found>
  close(): Promise<void>
}

export type PspClientOptions = {
  adapter: PspAdapter
  /** Base URL of the PSP. */
  url: string
  /**
   * Most concurrent requests. Twice as many connections may be open, so that no request waits for a
   * connection.
   */
  maxSends: number
  maxQueries: number
  connectTimeoutMs: number
}

const KEPT_ANSWER_BYTES = 4 * 1024
const ADAPTER_FAULT = 'adapter_fault'

/** Connects an adapter to its PSP over HTTP (P5). */
export function createPspClient(options: PspClientOptions): PspClient {
  const { adapter, url } = options
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/$/, '')
  const sends = poolOf(base.origin, options.maxSends * 2, options.connectTimeoutMs)
  // Status queries have their own connections, so that hanging requests cannot block them.
  const queries = poolOf(base.origin, options.maxQueries * 2, options.connectTimeoutMs)
  const codeOf = ({ kind }: ExpectedOperation, { error_code: code }: PspAnswer): DeclineCode =>
    guarded(() => adapter.declineCode(kind, code)) ?? 'other'
  const call = (pool: Pool, request: PspRequest, traceparent: string | null, until: Deadline) => {
    const headers = {
      'user-agent': 'caudal-processor',
      ...request.headers,
      ...(traceparent !== null && { traceparent }),
    }
    return exchange(pool, { ...request, path: `${prefix}${request.path}`, headers }, until)
  }
  return {
    async send({ expected, body, traceparent }, deadline) {
      const request = guarded(() => adapter.encode.execute(expected, body))
      if (request === null) return { outcome: { kind: 'misconfigured' }, facts: NOT_ENCODED }
      const exchanged = await call(sends, request, traceparent, deadline)
      const sent = sentOf(exchanged, (response) => adapter.decode.execute(expected, response))
      const { outcome } = sent
      if (outcome.kind !== 'declined') return sent
      return { ...sent, outcome: { ...outcome, declineCode: codeOf(expected, outcome.response) } }
    },
    async find({ expected, itsId, traceparent }, deadline) {
      const request = guarded(() => adapter.encode.query(expected, itsId))
      if (request === null) return { answer: { kind: 'unknown' }, facts: NOT_ENCODED }
      const exchanged = await call(queries, request, traceparent, deadline)
      const found = foundOf(exchanged, (response) => adapter.decode.query(expected, response))
      const { answer } = found
      if (answer.kind !== 'failed') return found
      return { ...found, answer: { ...answer, declineCode: codeOf(expected, answer.response) } }
    },
    async close() {
      await Promise.all([sends.destroy(), queries.destroy()])
    },
  }
}

/** The adapter could not make the request. The operation waits for an operator, none fails. */
const NOT_ENCODED: CallFacts = {
  httpStatus: null,
  answerBody: null,
  latencyMs: 0,
  errorClass: ADAPTER_FAULT,
}

/** What the adapter returns; null if it throws. */
function guarded<T>(code: () => T): T | null {
  try {
    return code()
  } catch {
    return null
  }
}

function poolOf(origin: string, connections: number, connectTimeoutMs: number): Pool {
  return new Pool(origin, {
    connections,
    // One request per connection at a time, so that requests cannot fail together.
    pipelining: 1,
    allowH2: false,
    connectTimeout: connectTimeoutMs,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

function sentOf(
  exchanged: Exchanged,
  decode: (response: PspResponse) => Decoded<SendOutcome>,
): Sent {
  switch (exchanged.kind) {
    case 'answered': {
      const decoded = guarded(() => decode(responseOf(exchanged)))
      const outcome = decoded?.outcome ?? { kind: 'ambiguous' }
      return { outcome, facts: answeredFacts(exchanged, decoded) }
    }
    case 'lost':
      return { outcome: { kind: 'ambiguous' }, facts: lostFacts(exchanged) }
    case 'not_sent':
      return { outcome: { kind: 'not_sent', cause: exchanged.cause }, facts: lostFacts(exchanged) }
    default:
      return exchanged satisfies never
  }
}

function foundOf(
  exchanged: Exchanged,
  decode: (response: PspResponse) => Decoded<StatusAnswer>,
): Found {
  if (exchanged.kind !== 'answered') {
    return { answer: { kind: 'unknown' }, facts: lostFacts(exchanged) }
  }
  const decoded = guarded(() => decode(responseOf(exchanged)))
  return {
    answer: decoded?.outcome ?? { kind: 'unknown' },
    facts: answeredFacts(exchanged, decoded),
  }
}

type Answered = Extract<Exchanged, { kind: 'answered' }>

function responseOf({ httpStatus, retryAfter, body }: Answered): PspResponse {
  return { httpStatus, retryAfterMs: retryAfterMs(retryAfter, Date.now()), body }
}

/** `decoded` is null if the adapter threw. */
function answeredFacts(
  { httpStatus, body, latencyMs }: Answered,
  decoded: Decoded<unknown> | null,
): CallFacts {
  const errorClass = decoded === null ? ADAPTER_FAULT : decoded.errorClass
  return { httpStatus, answerBody: keptOf(body), latencyMs, errorClass }
}

/** The first bytes of an answer, masked. The end of what is read could be a cut card number. */
function keptOf(body: Buffer): Buffer {
  const read = body.subarray(0, KEPT_ANSWER_BYTES + LONGEST_CARD_NUMBER * ESCAPE_BYTES)
  const masked = maskCardNumbersIn(read)
  const cut = read.length < body.length ? LONGEST_CARD_NUMBER + ESCAPE_BYTES : 0
  return masked.subarray(0, Math.min(KEPT_ANSWER_BYTES, masked.length - cut))
}

function lostFacts(exchanged: Exclude<Exchanged, { kind: 'answered' }>): CallFacts {
  const { errorClass } = exchanged
  if (exchanged.kind === 'not_sent') {
    return { httpStatus: null, answerBody: null, latencyMs: 0, errorClass }
  }
  const { httpStatus, latencyMs } = exchanged
  return { httpStatus, answerBody: null, latencyMs, errorClass }
}
