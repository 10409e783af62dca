import type { WalletReason } from '@caudal/contracts/reasons.ts'

/** `refused` is final too: a payment is decided once, even if money arrives later. */
export type HoldStatus = 'open' | 'committed' | 'released' | 'refused'

/** Money set aside (F1 hold). Its id is the id of the transfer that made it. */
export interface Hold {
  holdId: string
  /** The payment it belongs to; null for holds of internal clients. */
  paymentId: string | null
  /**
   * The client that made it and may end it; null for a payment's hold, and for one of 0.1.0, whose
   * transfer has the client.
   */
  clientId: string | null
  accountId: string
  tenantId: string
  currency: string
  amountMinor: bigint
  /** What is still held: 0 unless the hold is open. */
  remainingMinor: bigint
  status: HoldStatus
  /** Why it was refused. */
  refusedFor: WalletReason | null
  /** When it ends by itself, in the database's time; null is never. */
  expiresAtMs: number | null
}

/** What a hold is found by: its payment, or its own id where there is none. */
export function holdKeyOf({ paymentId, holdId }: Pick<Hold, 'paymentId' | 'holdId'>): string {
  return paymentId ?? holdId
}

/** Whether the hold's time is over at that moment, whether or not anybody has ended it yet. */
export function isExpired({ expiresAtMs }: Hold, nowMs: number): boolean {
  return expiresAtMs !== null && expiresAtMs <= nowMs
}
