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

/** A sum of an account's entries, with its currency. */
export interface Sum {
  readonly currency: string
  readonly minor: bigint
}

/** Sums by `accountGroup`. */
export type Sums = ReadonlyMap<string, Sum>

/** A transfer that corrections name, or one that such a transfer corrects itself. */
export interface Original {
  /** The transfer that it corrects itself, by `transferName`. */
  readonly parent: string | null
  /** What it did to each of its accounts, both balances together. */
  readonly effects: Sums
  /** What its corrections have done to each account so far. */
  readonly corrected: Sums
  /** The same with the corrections of its corrections, and theirs. */
  readonly descended: Sums
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
  if (posted === undefined) return undefined
  const { correctsId, entries } = posted
  return {
    parent: correctsId === null ? null : transferName(tenantId, correctsId),
    effects: addEntries(new Map(), entries, state),
    corrected: new Map(),
    descended: new Map(),
  }
}

/** Names of the transfer that a correction names, and of those that this one corrects in turn. */
export function lineOf(state: LedgerState, { tenantId, correctsId }: Transfer): string[] {
  if (correctsId === null) return []
  const names = [transferName(tenantId, correctsId)]
  let parent = findOriginal(state, tenantId, correctsId)?.parent ?? null
  while (parent !== null) {
    names.push(parent)
    parent = state.originals.get(parent)?.parent ?? null
  }
  return names
}

/** Adds a correction that was posted to what is known of its originals. */
export function foldCorrection(state: LedgerState, transfer: Transfer): void {
  const { tenantId, correctsId, entries } = transfer
  if (correctsId === null) return
  const names = lineOf(state, transfer)
  const direct = findOriginal(state, tenantId, correctsId)!
  const corrected = addEntries(direct.corrected, entries, state)
  for (const [index, name] of names.entries()) {
    const original = index === 0 ? { ...direct, corrected } : state.originals.get(name)
    if (original === undefined) return // its month was detached
    const descended = addEntries(original.descended, entries, state)
    state.originals.set(name, { ...original, descended })
  }
}

/**
 * Bounds a correction (ADR 0025): on each account of the original the sum of all corrections stays
 * between nothing and the original, with and without the corrections of corrections, and so for
 * what the original corrects itself. Other accounts take the place of those of the original only
 * for a caller with `ledger:admin`, and all together never take more than those gave.
 */
export function boundCorrection(
  command: PostingsCommand,
  original: Original,
  postings: readonly Posting[],
  state: LedgerState,
): CorrectionMark | Refused {
  const { effects, corrected } = original
  const foreign = postings.find(({ account }) => !effects.has(accountGroup(account)))
  if (foreign !== undefined && !command.rights.admin) {
    return refused('FORBIDDEN', outside(foreign.account))
  }
  let detail = detailOf(effects, corrected, postings)
  for (let at: Original | undefined = original; at !== undefined && detail === null;) {
    detail = detailOf(at.effects, at.descended, postings)
    at = at.parent === null ? undefined : state.originals.get(at.parent)
  }
  if (detail !== null) return refused('CORRECTION_EXCEEDS_ORIGINAL', detail)
  return foreign === undefined ? 'bounded' : 'reclassified'
}

/** In which way the postings exceed the bound of what they correct; null if they do not. */
function detailOf(effects: Sums, before: Sums, postings: readonly Posting[]): string | null {
  const after = new Map(before)
  for (const { account, amountMinor } of postings) {
    add(after, accountGroup(account), { currency: account.currency, minor: amountMinor })
  }
  for (const { account } of postings) {
    const group = accountGroup(account)
    const effect = effects.get(group)
    const sum = after.get(group)!
    if (effect === undefined || isWithin(sum.minor, -effect.minor)) continue
    return exceeding(account, sum, effect)
  }
  return exchangedTooMuch(effects, after)
}

/** Sums are zero in each currency, so this bounds what other accounts give as well. */
function exchangedTooMuch(effects: Sums, corrected: Sums): string | null {
  const exchanged = new Map<string, { given: bigint; taken: bigint }>()
  for (const [group, { currency, minor }] of corrected) {
    let of = exchanged.get(currency)
    if (of === undefined) exchanged.set(currency, (of = { given: 0n, taken: 0n }))
    if (effects.has(group)) of.given += minor < 0n ? -minor : 0n
    else of.taken += minor > 0n ? minor : 0n
  }
  for (const [currency, { given, taken }] of exchanged) {
    if (taken <= given) continue
    return `other accounts would take ${taken} ${currency}, those of the transfer give ${given}`
  }
  return null
}

/** Whether the sum lies between nothing and the bound, whichever sign the bound has. */
function isWithin(sum: bigint, bound: bigint): boolean {
  return bound < 0n ? sum >= bound && sum <= 0n : sum >= 0n && sum <= bound
}

function addEntries(before: Sums, entries: readonly Entry[], state: LedgerState): Sums {
  const sums = new Map(before)
  for (const { accountId, amountMinor } of entries) {
    const account = state.accounts.get(accountId)!
    add(sums, accountGroup(account), { currency: account.currency, minor: amountMinor })
  }
  return sums
}

/** Adds to the sum of an account. */
export function add(sums: Map<string, Sum>, group: string, { currency, minor }: Sum): void {
  sums.set(group, { currency, minor: (sums.get(group)?.minor ?? 0n) + minor })
}

function outside(account: Account): string {
  return (
    `${named(account)} is not in the transfer that is corrected: ` +
    `reclassifying needs a token with ${SCOPE.ledgerAdmin}`
  )
}

function exceeding(account: Account, { currency, minor }: Sum, effect: Sum): string {
  return (
    `all corrections together would change ${named(account)} by ${minor} ${currency}, ` +
    `but the transfer changed it by ${effect.minor}: corrections undo at most that`
  )
}

function named({ kind, accountId }: Account): string {
  return kind === 'wallet' ? `the account ${accountId}` : `the system account ${kind}`
}
