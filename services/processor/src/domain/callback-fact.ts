import type { OperationKind } from './operation-facts.ts'

/** What a PSP reports that became of an operation; `unknown` is anything that cannot be read. */
export type FactState =
  | 'approved'
  | 'failed'
  | 'pending'
  | 'reversed'
  | 'returned'
  /** Of disputes. */
  | 'opened'
  | 'won'
  | 'lost'
  | 'unknown'

/**
 * One fact of a callback, in words of our own. Ids are null where the PSP does not name them or
 * where they have not the form of an id: ours in lower case, the PSP's as it spells them.
 */
export type CallbackFact = {
  /** The natural key: the PSP never uses it for another fact of the account. */
  key: string
  /**
   * What no operation asked for: `return` is money that the receiving bank sent back, `dispute` a
   * payment that its payer disputes.
   */
  kind: OperationKind | 'return' | 'dispute'
  /** Our id of the operation. */
  ourId: string | null
  /** The PSP's id of the operation, of the return, or of the dispute. */
  itsId: string | null
  /** Our id of the payment that the operation is about. */
  paymentId: string | null
  /** The PSP's id of that payment. */
  paymentItsId: string | null
  state: FactState
  /** Minor units; null if the PSP states none. */
  amountMinor: bigint | null
  currency: string | null
  /** Of a return: what the bank kept beside the amount, if it states any. */
  chargesMinor?: bigint
  /** Why it failed, was returned or is disputed, as the PSP spells it. */
  reasonCode: string | null
}

/** Whether the fact is about a payment, and about no operation that was asked for. */
export function isUnasked({ kind }: Pick<CallbackFact, 'kind'>): boolean {
  return kind === 'return' || kind === 'dispute'
}

/**
 * Whether only the PSP's id names the payment or payout, which may become known later than the
 * fact.
 */
export function isUnnamed({ kind, ourId, itsId, paymentId, paymentItsId }: CallbackFact): boolean {
  return kind === 'pay' || kind === 'payout'
    ? ourId === null && itsId !== null
    : paymentId === null && paymentItsId !== null
}
