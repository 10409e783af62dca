import assert from 'node:assert/strict'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { type Account, hasRoomFor } from './account.ts'
import { isPostings, type MoneyCommand, type RequestedPosting } from './command.ts'
import type { Conditions } from './conditions.ts'
import { boundCorrection, findOriginal } from './correction.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Outcome, Refused } from './outcome.ts'
import { posted } from './post.ts'
import { isReferenceUsed, refusalByStatus, refusalOfSpending, refused } from './refuse.ts'
import { sumToZero } from './sum-to-zero.ts'
import { accountIdIn } from './system-accounts.ts'

const NAMES_SYSTEM = `naming an account of the system needs a token with ${SCOPE.ledgerSystem}`

/**
 * Any balanced set of postings. What the request lacks is checked first, balances come last. With
 * `ofWallets` an account named by its id must be a wallet's.
 */
export function decidePostings(
  command: MoneyCommand,
  state: LedgerState,
  at: Conditions,
  { ofWallets }: { ofWallets: boolean },
): Outcome {
  assert(isPostings(command), `a ${command.kind} has postings`)
  const { postings, correctsId, tenantId } = command
  for (const posting of postings) {
    const account = namedBy(posting, state)
    if (account === 'system') continue
    const isThere = account?.tenantId === tenantId && (!ofWallets || account.kind === 'wallet')
    if (!isThere) return refused('ACCOUNT_NOT_FOUND')
  }
  if (!ofWallets && !command.rights.system && postings.some((it) => isOfSystem(it, state))) {
    return refused('FORBIDDEN', NAMES_SYSTEM)
  }
  const original = correctsId === null ? null : findOriginal(state, tenantId, correctsId)
  if (original === undefined) return refused('TRANSFER_NOT_FOUND')
  if (isReferenceUsed(command, state)) return refused('REFERENCE_ALREADY_USED')
  if (!sumToZero(postings)) return refused('TRANSFER_NOT_BALANCED')
  for (const posting of postings) {
    const account = namedBy(posting, state)
    const isOther = account !== 'system' && account?.currency !== posting.currency
    if (isOther) return refused('CURRENCY_MISMATCH')
  }
  const placed = { command, slot: at.slot }
  const planned = postings.map((posting) => {
    const accountId = accountIdIn(placed, posting)
    const account = state.accounts.get(accountId)
    assert(account, `account ${accountId} is loaded or opened with the command`)
    return { account, balance: 'available', amountMinor: posting.amountMinor } as const
  })
  const correction = original === null ? null : boundCorrection(command, original, planned, state)
  if (correction !== null && typeof correction !== 'string') return correction
  for (const { account, amountMinor } of planned) {
    const refusal = refusalFor(command, account, amountMinor)
    if (refusal !== null) return refusal
  }
  // A wallet's kind is about its wallet, any other postings are about the first account.
  if (ofWallets) return posted(command, at, { postings: planned })
  const { accountId } = planned[0]!.account
  return posted(command, at, { postings: planned, accountId, correction })
}

/** Accounts of the system are there as soon as they are named. */
function namedBy(
  { accountId }: RequestedPosting,
  state: LedgerState,
): Account | 'system' | undefined {
  return accountId === null ? 'system' : state.accounts.get(accountId)
}

function isOfSystem(posting: RequestedPosting, state: LedgerState): boolean {
  const account = namedBy(posting, state)
  return account === 'system' || account?.kind !== 'wallet'
}

function refusalFor(command: MoneyCommand, account: Account, amountMinor: bigint): Refused | null {
  const byStatus = refusalByStatus(account)
  if (byStatus !== null) return refused(byStatus)
  if (amountMinor < 0n) return refusalOfSpending(command, account, -amountMinor)
  return hasRoomFor(account, amountMinor) ? null : refused('BALANCE_LIMIT_EXCEEDED')
}
