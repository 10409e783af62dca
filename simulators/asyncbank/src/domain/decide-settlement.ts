import type { Verdict } from '@caudal/simulator-kit/plan-outcome.ts'
import { isOutgoing, type Transfer, type TransferKind } from './transfer.ts'

/** A payment with what has come back of it so far. */
export interface Original {
  transfer: Transfer
  ageMs: number
  backMinor: bigint
  voided: boolean
}

/** How old a payment may be. */
export interface SettlementLimits {
  voidMs: number
  refundMs: number
}

/** How a transfer ends. Codes are those of ISO 20022. */
export type Settlement = { state: 'settled' } | { state: 'rejected'; code: string }

/** Why the bank declines by behaviour. */
export function declineCode(kind: TransferKind): string {
  return isOutgoing(kind) ? 'AC01' : 'MS03'
}

/**
 * Decides how a transfer ends, against the bank's books: what comes back of a payment never exceeds
 * it. `original` is undefined for a payment or payout, and where the bank does not know it.
 */
export function decideSettlement(
  transfer: Transfer,
  original: Original | undefined,
  { verdict, limits }: { verdict: Verdict; limits: SettlementLimits },
): Settlement {
  const { kind } = transfer
  const declined = verdict === 'failed' ? declineCode(kind) : null
  if (isOutgoing(kind)) return declined === null ? { state: 'settled' } : rejected(declined)
  if (original?.transfer.state !== 'settled') return rejected('NOOR')
  if (transfer.currency !== original.transfer.currency) return rejected('AM11')
  const leftMinor = original.transfer.amountMinor - original.backMinor
  if (kind === 'void') {
    if (original.voided) return rejected('AM05')
    if (original.ageMs > limits.voidMs) return rejected('TM01')
    if (transfer.amountMinor !== leftMinor) return rejected('AM09')
  } else {
    if (transfer.amountMinor > leftMinor) return rejected('AM02')
    if (kind === 'refund' && original.ageMs > limits.refundMs) return rejected('TM01')
  }
  return declined === null ? { state: 'settled' } : rejected(declined)
}

function rejected(code: string): Settlement {
  return { state: 'rejected', code }
}
