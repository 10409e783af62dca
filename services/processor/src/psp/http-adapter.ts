import {
  ESCAPE_BYTES,
  LONGEST_CARD_NUMBER,
  maskCardNumbersIn,
} from '@caudal/telemetry/mask-numbers.ts'
import { Pool } from 'undici'
import type { CallFacts, Found, PspAdapter, Sent } from './adapter.ts'
import { classifyAnswer, classifyStatus } from './classify-answer.ts'
import { exchange, type Exchanged } from './exchange.ts'
import { freezeRequest } from './freeze-request.ts'
import type { ExpectedPayment } from './read-verdict.ts'

export type HttpAdapterOptions = {
  /** Base URL of the PSP. */
  url: string
  /**
   * Most concurrent payment requests. Twice as many connections may be open, so that no request
   * waits for a connection.
   */
  maxSends: number
  maxQueries: number
  connectTimeoutMs: number
  apiKey?: string | undefined
}

const KEPT_ANSWER_BYTES = 4 * 1024

/** The PSP over HTTP, with an Idempotency-Key (P5). */
export function createHttpAdapter(options: HttpAdapterOptions): PspAdapter {
  const { url, apiKey } = options
  const base = new URL(url)
  const prefix = base.pathname.replace(/\/$/, '')
  const common: Record<string, string> = {
    accept: 'application/json',
    'user-agent': 'caudal-processor',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }
  const sends = poolOf(base.origin, options.maxSends * 2, options.connectTimeoutMs)
  // Status queries have their own connections, so that hanging payment requests cannot block them.
  const queries = poolOf(base.origin, options.maxQueries * 2, options.connectTimeoutMs)
  return {
    freeze: freezeRequest,
    async send({ expected, body, traceparent }, deadline) {
      const headers = {
        ...common,
        'content-type': 'application/json',
        'idempotency-key': expected.paymentId,
        ...(traceparent !== null && { traceparent }),
      }
      const path = `${prefix}/v1/payments`
      const request = { method: 'POST', path, headers, body } as const
      return sentOf(expected, await exchange(sends, request, deadline))
    },
    async find({ expected, traceparent }, deadline) {
      const headers = { ...common, ...(traceparent !== null && { traceparent }) }
      const path = `${prefix}/v1/payments/${expected.paymentId}`
      const request = { method: 'GET', path, headers, body: null } as const
      return foundOf(expected, await exchange(queries, request, deadline))
    },
    async close() {
      await Promise.all([sends.destroy(), queries.destroy()])
    },
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

function sentOf(expected: ExpectedPayment, exchanged: Exchanged): Sent {
  switch (exchanged.kind) {
    case 'answered': {
      const { outcome, errorClass } = classifyAnswer(expected, exchanged)
      return { outcome, facts: answeredFacts(exchanged, errorClass) }
    }
    case 'lost':
      return { outcome: { kind: 'ambiguous' }, facts: lostFacts(exchanged) }
    case 'not_sent':
      return { outcome: { kind: 'not_sent', cause: exchanged.cause }, facts: lostFacts(exchanged) }
    default:
      return exchanged satisfies never
  }
}

function foundOf(expected: ExpectedPayment, exchanged: Exchanged): Found {
  if (exchanged.kind !== 'answered') {
    return { answer: { kind: 'unknown' }, facts: lostFacts(exchanged) }
  }
  const { outcome, errorClass } = classifyStatus(expected, exchanged)
  return { answer: outcome, facts: answeredFacts(exchanged, errorClass) }
}

function answeredFacts(
  { httpStatus, body, latencyMs }: Extract<Exchanged, { kind: 'answered' }>,
  errorClass: string | null,
): CallFacts {
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
