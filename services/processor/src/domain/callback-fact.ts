import type { OperationKind } from './operation-facts.ts'

/** What a PSP reports that became of an operation; `unknown` is anything that cannot be read. */
export type FactState = 'approved' | 'failed' | 'pending' | 'reversed' | 'returned' | 'unknown'

/**
 * One fact of a callback, in words of our own. Ids are null where the PSP does not name them or
 * where they have not the form of an id: ours in lower case, the PSP's as it spells them.
 */
export type CallbackFact = {
  /** The natural key: the PSP never uses it for another fact of the account. */
  key: string
  /** `return`: money that the receiving bank sent back, which no operation asked for. */
  kind: OperationKind | 'return'
  /** Our id of the operation. */
  ourId: string | null
  /** The PSP's id of the operation, or of the return. */
  itsId: string | null
  /** Our id of the payment that the operation is about. */
  paymentId: string | null
  /** The PSP's id of that payment. */
  paymentItsId: string | null
  state: FactState
  /** Minor units; null if the PSP states none. */
  amountMinor: bigint | null
  currency: string | null
  /** Why it failed, or why the bank returned the money, as the PSP spells it. */
  reasonCode: string | null
}

/** Whether only the PSP's id names the payment, which may become known later than the fact. */
export function isUnnamed({ kind, ourId, itsId, paymentId, paymentItsId }: CallbackFact): boolean {
  return kind === 'pay'
    ? ourId === null && itsId !== null
    : paymentId === null && paymentItsId !== null
}
