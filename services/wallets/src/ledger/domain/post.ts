import assert from 'node:assert/strict'
import type { Account, Balance } from './account.ts'
import { isPostings, type MoneyCommand, paymentOf } from './command.ts'
import type { Conditions } from './conditions.ts'
import type { CorrectionMark } from './correction.ts'
import type { Hold } from './hold.ts'
import type { Posted } from './outcome.ts'
import type { Spending } from './policy.ts'
import type { PspPosting } from './psp-posting.ts'
import type { Entry, Transfer } from './transfer.ts'

/** A change of one balance of one account, before it is an entry. */
export interface Posting {
  account: Account
  balance: Balance
  amountMinor: bigint
}

/** What a command books: `amountMinor` is the transfer's, the first posting's unless given. */
export interface Booking {
  /** No balance of an account may occur twice. */
  postings: readonly Posting[]
  /** The account that the transfer is about; the command's unless given. */
  accountId?: string
  amountMinor?: bigint
  hold?: Hold
  correction?: CorrectionMark | null
  pspPosting?: PspPosting
}

const NOTHING: readonly Spending[] = []

/** The outcome of a command that is carried out: the transfer that books the postings. */
export function posted(command: MoneyCommand, at: Conditions, booking: Booking): Posted {
  const { postings, hold = null, accountId = command.accountId } = booking
  const { correction = null, pspPosting = null } = booking
  const first = postings[0]!
  const { amountMinor = first.amountMinor < 0n ? -first.amountMinor : first.amountMinor } = booking
  const transfer: Transfer = {
    transferId: command.transferId,
    kind: command.kind,
    tenantId: command.tenantId,
    accountId,
    amountMinor,
    currency: first.account.currency,
    paymentId: paymentOf(command),
    holdId: hold?.holdId ?? null,
    correctsId: isPostings(command) ? command.correctsId : null,
    correction,
    policyVersion: command.policy?.version ?? null,
    pspPosting,
    clientId: command.key.clientId,
    idempotencyKey: command.key.value,
    fingerprint: command.key.fingerprint,
    referenceId: command.referenceId,
    reason: command.reason,
    valueDate: command.valueDate ?? at.today,
    entries: postings.map(entryOf),
    accountAfter: accountAfter(accountId, postings),
  }
  return { type: 'posted', transfer, hold, spent: NOTHING }
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
