import assert from 'node:assert/strict'
import type { Account, Balance } from './account.ts'
import { type Command, paymentOf } from './command.ts'
import type { Hold } from './hold.ts'
import type { Entry, Transfer } from './transfer.ts'

/** A change of one balance of one account, before it is an entry. */
export interface Posting {
  account: Account
  balance: Balance
  amountMinor: bigint
}

/**
 * The transfer that books the postings. The first one's amount is the transfer's; no balance of an
 * account may occur twice.
 */
export function transferOf(
  command: Command,
  today: string,
  postings: readonly Posting[],
  hold: Hold | null,
): Transfer {
  const first = postings[0]!
  return {
    transferId: command.transferId,
    kind: command.kind,
    tenantId: command.tenantId,
    accountId: command.accountId,
    amountMinor: first.amountMinor < 0n ? -first.amountMinor : first.amountMinor,
    currency: first.account.currency,
    paymentId: paymentOf(command),
    holdId: hold?.holdId ?? null,
    clientId: command.key.clientId,
    idempotencyKey: command.key.value,
    fingerprint: command.key.fingerprint,
    referenceId: command.referenceId,
    reason: command.reason,
    valueDate: command.valueDate ?? today,
    entries: postings.map(entryOf),
    accountAfter: accountAfter(command.accountId, postings),
  }
}

function accountAfter(accountId: string, postings: readonly Posting[]): Transfer['accountAfter'] {
  const touching = postings.filter(({ account }) => account.accountId === accountId)
  assert(touching[0], 'a transfer touches the account it is about')
  const { account } = touching[0]
  let { availableMinor, heldMinor } = account
  for (const { balance, amountMinor } of touching) {
    if (balance === 'available') availableMinor += amountMinor
    else heldMinor += amountMinor
  }
  return { availableMinor, heldMinor, version: account.version + 1 }
}

function entryOf({ account, balance, amountMinor }: Posting): Entry {
  const before = balance === 'available' ? account.availableMinor : account.heldMinor
  return {
    accountId: account.accountId,
    balance,
    amountMinor,
    balanceAfterMinor: before + amountMinor,
    accountVersion: account.version + 1,
  }
}
