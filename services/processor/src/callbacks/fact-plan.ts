import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { FactResult } from '../domain/decide-callback.ts'
import type { Emission } from '../domain/decision.ts'
import type { OperationFacts, ReversalFacts } from '../domain/operation-facts.ts'
import type { PspOperation } from '../domain/psp-operation.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { ClaimedFact } from '../store/claim-facts.ts'
import type { TransactionClaim } from '../store/claim-transactions.ts'
import type { KnownReturn } from '../store/find-known-returns.ts'
import type { FactMatch } from '../store/match-facts.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { NewRequested } from '../store/record-operations.ts'
import type { AskedOperation, CallbackPsp } from './callback-psp.ts'

/** A fact with what it is about, as it was locked. */
export type MatchedFact = ClaimedFact & {
  match: FactMatch
  reporting: CallbackPsp
  /** The operation that the fact names, and the payment that it is about. */
  operation: StoredOperation | null
  payment: StoredOperation | null
  /** What an earlier callback stated of the return that the fact reports. */
  known: KnownReturn | undefined
  /** It is about a payment of a tenant for which the account does not speak. Then it names none. */
  isOfOtherTenant: boolean
}

/** What becomes of a fact. */
export type FactOutcome = {
  fact: MatchedFact
  state: FactResult | 'WAIT'
  cause: string | null
}

/** A refund that the PSP made by itself. It is emitted only if it was not known yet. */
export type FoundRefundPlan = {
  outcome: FactOutcome
  refund: NewRequested
  claim: TransactionClaim
  emission: Emission
}

/** What a batch of facts writes. */
export type FactPlan = {
  states: Map<string, PspOperation>
  followUps: { adapter: PspAdapter; facts: ReversalFacts; psp: string | null }[]
  found: FoundRefundPlan[]
  emitted: { facts: OperationFacts; emission: Emission; events: OutboxEvent[] }[]
  /** Questions about operations that have ended, to be asked after the commit. */
  asks: { reporting: CallbackPsp; asked: AskedOperation }[]
  /** Events about no operation of ours. */
  events: OutboxEvent[]
  outcomes: FactOutcome[]
}
