import assert from 'node:assert/strict'
import { type Account, covers, hasRoomFor } from './account.ts'
import type { RequestedPosting, TransferCommand } from './command.ts'
import { type LedgerState, transferName } from './ledger-state.ts'
import type { Moment } from './moment.ts'
import type { Outcome, RefusalCode } from './outcome.ts'
import { committed } from './post.ts'
import { isReferenceUsed, refusalByStatus, refused } from './refuse.ts'
import { sumToZero } from './sum-to-zero.ts'

/** Any balanced set of postings. What the request lacks is said first, balances come last. */
export function decideTransfer(command: TransferCommand, state: LedgerState, at: Moment): Outcome {
  const { postings, correctsId, tenantId } = command
  for (const posting of postings) {
    if (!isThere(posting, tenantId, state)) return refused('ACCOUNT_NOT_FOUND')
  }
  if (correctsId !== null && !state.transfers.has(transferName(tenantId, correctsId))) {
    return refused('TRANSFER_NOT_FOUND')
  }
  if (isReferenceUsed(command, state)) return refused('REFERENCE_ALREADY_USED')
  if (!sumToZero(postings)) return refused('TRANSFER_NOT_BALANCED')
  for (const { system, accountId, currency } of postings) {
    const isOther = system === null && state.accounts.get(accountId)?.currency !== currency
    if (isOther) return refused('CURRENCY_MISMATCH')
  }
  const planned = postings.map(({ accountId, amountMinor }) => {
    const account = state.accounts.get(accountId)
    assert(account, `account ${accountId} is loaded or opened with the transfer`)
    return { account, balance: 'available', amountMinor } as const
  })
  for (const { account, amountMinor } of planned) {
    const refusal = refusalFor(account, amountMinor)
    if (refusal !== null) return refused(refusal)
  }
  return committed(command, at, { postings: planned })
}

/** Accounts of the system are there as soon as they are named. */
function isThere(posting: RequestedPosting, tenantId: string, state: LedgerState): boolean {
  if (posting.system !== null) return true
  return state.accounts.get(posting.accountId)?.tenantId === tenantId
}

function refusalFor(account: Account, amountMinor: bigint): RefusalCode | null {
  const byStatus = refusalByStatus(account)
  if (byStatus !== null) return byStatus
  if (amountMinor < 0n && !covers(account, -amountMinor)) return 'INSUFFICIENT_FUNDS'
  if (amountMinor > 0n && !hasRoomFor(account, amountMinor)) return 'BALANCE_LIMIT_EXCEEDED'
  return null
}
