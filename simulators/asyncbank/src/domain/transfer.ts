/** What a transfer is for. A return and a lost dispute are the bank's own. */
export type TransferKind = 'pay' | 'refund' | 'void' | 'return' | 'dispute' | 'payout'

/** The states of a transfer; only `received` is not final, and `reversed` was settled before. */
export type TransferState = 'received' | 'settled' | 'rejected' | 'reversed'

/** A transfer in the books. */
export interface Transfer {
  /** The bank's id, by which alone it is found. */
  transferId: string
  /** The client's id of the operation. */
  ref: string
  kind: TransferKind
  state: TransferState
  amountMinor: bigint
  /** What the bank kept of a return beside the amount. */
  chargesMinor: bigint
  currency: string
  /** The destination account of the payment or payout. */
  accountNumber: string
  /** The payment of a refund, void or return; null for a payment or payout. */
  originalId: string | null
  /** Why it was rejected or returned. */
  code: string | null
}

/** Whether money leaves by it, and does not come back. */
export function isOutgoing(kind: TransferKind): boolean {
  return kind === 'pay' || kind === 'payout'
}

/** A UUID as the bank writes it: 32 hexadecimal digits. */
export function hexOf(uuid: string): string {
  return uuid.replaceAll('-', '')
}

/** 32 hexadecimal digits as a UUID. */
export function uuidOf(hex: string): string {
  return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
