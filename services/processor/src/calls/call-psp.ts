import { setTimeout as pause } from 'node:timers/promises'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { childTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { PspPayment } from '../domain/psp-payment.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import type { Observer } from './observe.ts'
import type { Deadline, Found, PspAdapter, Sent } from '../psp/adapter.ts'
import type { Circuit } from '../psp/circuit.ts'

/** The payment as the commit of SENDING left it, and when: the database's time and our clock. */
export type Begun = { state: PspPayment; at: number; clock: number }

/** A request to pay whose SENDING is committed. */
export type SendCall = {
  facts: PaymentFacts
  body: Buffer
  attempt: number
  begun: Begun
  deadline: Deadline
}
/** A status query whose lease is committed. */
export type QueryCall = { facts: PaymentFacts; query: number; deadline: Deadline }

export type SentResult = {
  kind: 'sent'
  facts: PaymentFacts
  attempt: number
  begun: Begun
  sent: Sent
}

/** What a call brought, to be recorded. */
export type CallResult =
  | SentResult
  | { kind: 'found'; facts: PaymentFacts; query: number; found: Found }

export type PspCalls = {
  send: (calls: readonly SendCall[]) => void
  query: (calls: readonly QueryCall[]) => void
  freeSends: () => number
  freeQueries: () => number
  /** Waits for calls under way, not longer than told; then their results are not recorded. */
  stop: (drainMs: number) => Promise<void>
}

export type CallPspDeps = {
  adapter: PspAdapter
  circuit: Circuit
  observer: Observer
  /** Stores results of calls; may fail, then it is tried again. */
  record: (result: CallResult) => Promise<void>
  /** Calls have become free. */
  onFree: () => void
  maxSends: number
  maxQueries: number
}

const RECORD_AGAIN_MS = { base: 50, most: 2_000 }
const DRAIN_POLL_MS = 10

/**
 * Makes the calls to the PSP, never inside a transaction, a bounded number at once. A call keeps
 * its place until its result is recorded, so a slow database slows the calls down.
 */
export function createPspCalls(deps: CallPspDeps): PspCalls {
  const { adapter, circuit, observer } = deps
  let sends = 0
  let queries = 0
  let stopped = false

  async function recordUntilDone(result: CallResult): Promise<void> {
    for (let failures = 0; !stopped; failures += 1) {
      try {
        await deps.record(result)
        return
      } catch (error) {
        observer.recordFailed(result.facts, error)
        const backoffMs = Math.min(RECORD_AGAIN_MS.most, RECORD_AGAIN_MS.base * 2 ** failures)
        await pause(backoffMs * (0.5 + Math.random() / 2))
      }
    }
  }

  async function sendOne({ facts, body, attempt, begun, deadline }: SendCall): Promise<void> {
    const request = { paymentId: facts.paymentId, body, traceparent: childOf(facts) }
    try {
      const sent = await circuit.run(() => adapter.send(request, deadline))
      observer.sent(facts, attempt, sent)
      await recordUntilDone({ kind: 'sent', facts, attempt, begun, sent })
    } finally {
      sends -= 1
      deps.onFree()
    }
  }

  async function queryOne({ facts, query, deadline }: QueryCall): Promise<void> {
    const { paymentId, currency } = facts
    const amount = formatAmount(facts.amountMinor, currency)
    const asked = { paymentId, amount, currency, traceparent: childOf(facts) }
    try {
      const found = await adapter.find(asked, deadline)
      observer.found(facts, query, found)
      await recordUntilDone({ kind: 'found', facts, query, found })
    } finally {
      queries -= 1
    }
  }

  return {
    send(calls) {
      sends += calls.length
      for (const call of calls) {
        sendOne(call).catch((error) => observer.callFailed(call.facts, error))
      }
    },
    query(calls) {
      queries += calls.length
      for (const call of calls) {
        queryOne(call).catch((error) => observer.callFailed(call.facts, error))
      }
    },
    freeSends: () => (stopped ? 0 : deps.maxSends - sends),
    freeQueries: () => (stopped ? 0 : deps.maxQueries - queries),
    async stop(drainMs) {
      const endsAt = performance.now() + drainMs
      while (sends + queries > 0 && performance.now() < endsAt) await pause(DRAIN_POLL_MS)
      stopped = true
    },
  }
}

function childOf({ traceparent }: PaymentFacts): string | null {
  return traceparent === null ? null : childTraceparent(traceparent)
}
