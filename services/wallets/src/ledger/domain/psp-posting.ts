import type { PostingEnd, PostingSource } from '@caudal/contracts/events/postings.ts'
import { type SystemAccount, systemAccount } from './account.ts'
import type { PspPostingCommand, PspPostingKind } from './command.ts'
import type { Transfer } from './transfer.ts'

/** What a transfer books for a PSP, and the end that was taken. */
export interface PspPosting {
  readonly postingId: string
  readonly source: PostingSource
  readonly psp: string
  readonly end: PostingEnd
  /** What of the transfer's amount the fees account bears. */
  readonly chargesMinor: bigint
}

/** A posting that is booked, to compare a repeat with. */
export interface BookedPosting {
  readonly tenantId: string
  readonly postingId: string
  readonly kind: PspPostingKind
  readonly source: PostingSource
  readonly paymentId: string | null
  readonly psp: string
  readonly amountMinor: bigint
  readonly chargesMinor: bigint
  readonly currency: string
  /** Of the whole request; empty in a ledger that was rebuilt from its events. */
  readonly fingerprint: string
}

/** What the transfer books for a PSP, to be compared with a repeat; null of any other kind. */
export function bookedBy(transfer: Transfer): BookedPosting | null {
  const { pspPosting, tenantId, paymentId, amountMinor, currency, fingerprint } = transfer
  if (pspPosting === null) return null
  const { postingId, source, psp, chargesMinor } = pspPosting
  const kind = transfer.kind as PspPostingKind
  const common = { tenantId, postingId, kind, source, paymentId, psp }
  return { ...common, amountMinor, chargesMinor, currency, fingerprint }
}

/** The settlement account of the posting, on the slot. */
export function settlementOf(command: PspPostingCommand, slot: number): SystemAccount {
  const { tenantId, currency, psp } = command
  return systemAccount({ tenantId, kind: 'psp_settlement', currency, slot, psp })
}

/** The account of the system at an end of the posting, on the slot. */
export function systemEnd(
  { tenantId, currency }: PspPostingCommand,
  kind: Exclude<PostingEnd, 'wallet'>,
  slot: number,
): SystemAccount {
  return systemAccount({ tenantId, kind, currency, slot })
}

/**
 * The accounts of the system that the posting may be booked on: which one it is follows from the
 * wallet, which is not known before it is locked with them.
 */
export function systemEndsOf(command: PspPostingCommand, slot: number): SystemAccount[] {
  const { end, otherwise } = command
  const kind = end === 'wallet' ? otherwise : end
  const ends = [settlementOf(command, slot), systemEnd(command, kind, slot)]
  return command.chargesMinor > 0n ? [...ends, feesOf(command, slot)] : ends
}

/** The account that bears what a bank kept, on the slot. */
export function feesOf({ tenantId, currency }: PspPostingCommand, slot: number): SystemAccount {
  return systemAccount({ tenantId, kind: 'fees', currency, slot })
}

/** How the request differs from the booked posting, for people; null if it repeats it. */
export function differenceFrom(booked: BookedPosting, command: PspPostingCommand): string | null {
  const [was, is] = [describe(booked), describe(command)]
  if (was !== is) return `the posting is booked as ${was}, the request is for ${is}`
  const { fingerprint } = booked
  if (fingerprint === '' || fingerprint === command.key.fingerprint) return null
  return `the posting is booked as ${was}, the request names another account or other ends`
}

type Described = Pick<
  BookedPosting,
  'kind' | 'source' | 'paymentId' | 'psp' | 'amountMinor' | 'chargesMinor' | 'currency'
>

/** By what moved at the PSP: charges are booked only where the wallet is credited. */
function describe(described: Described): string {
  const { kind, source, paymentId, psp, currency } = described
  const amountMinor = described.amountMinor - described.chargesMinor
  const payment = paymentId === null ? 'no payment' : `payment ${paymentId}`
  return (
    `a ${kind} of ${amountMinor} ${currency} with the PSP ${psp}, ` +
    `for ${source.type} ${source.id} of ${payment}`
  )
}
