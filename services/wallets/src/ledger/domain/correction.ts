import { SCOPE } from '@caudal/contracts/scopes.ts'
import { type Account, accountGroup } from './account.ts'
import type { PostingsCommand } from './command.ts'
import { type LedgerState, transferName } from './ledger-state.ts'
import type { Refused } from './outcome.ts'
import type { Posting } from './post.ts'
import { refused } from './refuse.ts'
import type { Entry, Transfer } from './transfer.ts'

/** How a correction was bounded: on the accounts of the original only, or on others too. */
export type CorrectionMark = 'bounded' | 'reclassified'

/** Sums of minor units by `accountGroup`. */
export type Sums = ReadonlyMap<string, bigint>

/**
 * A transfer that corrections name: what it did to each of its accounts, both balances together,
 * and what its corrections have done to each account so far.
 */
export interface Original {
  readonly effects: Sums
  readonly corrected: Sums
}

/** The transfer that a correction names; undefined where there is none of the tenant. */
export function findOriginal(
  state: LedgerState,
  tenantId: string,
  transferId: string,
): Original | undefined {
  const name = transferName(tenantId, transferId)
  const loaded = state.originals.get(name)
  if (loaded !== undefined) return loaded
  const posted = state.posted.get(name)
  return posted && { effects: addEntries(new Map(), posted.entries, state), corrected: new Map() }
}

/** The original after one more correction. */
export function correctedBy(
  { effects, corrected }: Original,
  { entries }: Transfer,
  state: LedgerState,
): Original {
  return { effects, corrected: addEntries(corrected, entries, state) }
}

/**
 * Bounds a correction (ADR 0025): on each account of the original the sum of all corrections stays
 * between nothing and the original. Other accounts take the place of those of the original only for
 * a caller with `ledger:admin`, and never more than those gave or took in exchange.
 */
export function boundCorrection(
  command: PostingsCommand,
  original: Original,
  postings: readonly Posting[],
): CorrectionMark | Refused {
  const exchanged = new Map<string, { given: bigint; taken: bigint }>()
  let isReclassified = false
  for (const [group, amountMinor] of sumOf(postings)) {
    const { currency } = group.account
    const effect = original.effects.get(group.name)
    let sums = exchanged.get(currency)
    if (sums === undefined) exchanged.set(currency, (sums = { given: 0n, taken: 0n }))
    if (effect === undefined) {
      if (!command.rights.admin) return refused('FORBIDDEN', outside(group.account))
      isReclassified = true
      if (amountMinor > 0n) sums.taken += amountMinor
    } else {
      const sum = (original.corrected.get(group.name) ?? 0n) + amountMinor
      if (!isWithin(sum, -effect)) {
        return refused('CORRECTION_EXCEEDS_ORIGINAL', exceeding(group.account, sum, effect))
      }
      if (amountMinor < 0n) sums.given -= amountMinor
    }
  }
  if (!isReclassified) return 'bounded'
  for (const [currency, { given, taken }] of exchanged) {
    // The postings sum to zero, so this bounds what other accounts give as well.
    if (taken > given) {
      const detail = `other accounts take ${taken} ${currency}, the original's give ${given}`
      return refused('CORRECTION_EXCEEDS_ORIGINAL', detail)
    }
  }
  return 'reclassified'
}

interface Group {
  name: string
  account: Account
}

/** Two slots of a system account that are both named by their ids are one account. */
function sumOf(postings: readonly Posting[]): [Group, bigint][] {
  const sums = new Map<string, [Group, bigint]>()
  for (const { account, amountMinor } of postings) {
    const name = accountGroup(account)
    const [group, before] = sums.get(name) ?? [{ name, account }, 0n]
    sums.set(name, [group, before + amountMinor])
  }
  return [...sums.values()]
}

/** Whether the sum lies between nothing and the bound, whichever sign the bound has. */
function isWithin(sum: bigint, bound: bigint): boolean {
  return bound < 0n ? sum >= bound && sum <= 0n : sum >= 0n && sum <= bound
}

function addEntries(before: Sums, entries: readonly Entry[], state: LedgerState): Sums {
  const sums = new Map(before)
  for (const { accountId, amountMinor } of entries) {
    const group = accountGroup(state.accounts.get(accountId)!)
    sums.set(group, (sums.get(group) ?? 0n) + amountMinor)
  }
  return sums
}

function outside(account: Account): string {
  return (
    `${named(account)} is not in the transfer that is corrected: ` +
    `reclassifying takes a token with ${SCOPE.ledgerAdmin}`
  )
}

function exceeding(account: Account, sum: bigint, effect: bigint): string {
  const { currency } = account
  return (
    `all corrections together would change ${named(account)} by ${sum} ${currency}, ` +
    `but the transfer changed it by ${effect}: that can be taken back once`
  )
}

function named({ kind, accountId }: Account): string {
  return kind === 'wallet' ? `the account ${accountId}` : `the system account ${kind}`
}
