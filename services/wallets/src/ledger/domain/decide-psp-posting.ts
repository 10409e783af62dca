import assert from 'node:assert/strict'
import { type Account, covers, hasRoomFor } from './account.ts'
import { isPspPosting, type MoneyCommand, type PspPostingCommand } from './command.ts'
import type { Conditions } from './conditions.ts'
import { type LedgerState, pspPostingName } from './ledger-state.ts'
import type { Outcome } from './outcome.ts'
import { posted, type Posting } from './post.ts'
import { differenceFrom, feesOf, settlementOf, systemEnd } from './psp-posting.ts'
import { refusalByStatus, walletOf } from './refuse.ts'

/**
 * Money that came back to a PSP or left it again. It has moved there already, so it is never
 * refused: where the wallet cannot take part it is booked at the other end, and the answer names
 * the end. A repeat changes nothing. What the bank kept of a return is borne by the fees account if
 * the wallet is credited; at any other end only what came back is booked.
 */
export function decidePspPosting(
  command: MoneyCommand,
  state: LedgerState,
  at: Conditions,
  { otherEnd }: { otherEnd: 'gets' | 'gives' },
): Outcome {
  assert(isPspPosting(command), `a ${command.kind} is a posting of a PSP`)
  const { tenantId, postingId, source, psp, otherwise } = command
  const booked = state.pspPostings.get(pspPostingName(tenantId, postingId))
  if (booked !== undefined) {
    const cause = differenceFrom(booked, command)
    return cause === null
      ? { type: 'unchanged' }
      : { type: 'inapplicable', kind: 'contradiction', cause }
  }
  const takesPart = otherEnd === 'gets' ? canTake : canGive
  const wallet = command.end === 'wallet' ? walletOf(command, state) : undefined
  const usable = wallet !== undefined && takesPart(wallet, command)
  const end = command.end === 'wallet' && !usable ? otherwise : command.end
  const account = end === 'wallet' ? wallet! : accountOf(systemEnd(command, end, at.slot), state)
  const settlement = accountOf(settlementOf(command, at.slot), state)
  const [from, to] = otherEnd === 'gets' ? [settlement, account] : [account, settlement]
  const chargesMinor = end === 'wallet' ? command.chargesMinor : 0n
  const movedMinor = command.amountMinor - command.chargesMinor
  const amountMinor = movedMinor + chargesMinor
  const postings: Posting[] = [
    { account: from, balance: 'available', amountMinor: -movedMinor },
    { account: to, balance: 'available', amountMinor },
  ]
  if (chargesMinor > 0n) {
    const fees = accountOf(feesOf(command, at.slot), state)
    postings.push({ account: fees, balance: 'available', amountMinor: -chargesMinor })
  }
  const { accountId } = account
  return posted(command, at, {
    postings,
    accountId,
    amountMinor,
    pspPosting: { postingId, source, psp, end, chargesMinor },
  })
}

function canTake(wallet: Account, { currency, amountMinor }: PspPostingCommand): boolean {
  return isOpen(wallet, currency) && hasRoomFor(wallet, amountMinor)
}

/** Within its overdraft limit, as for every other debit. */
function canGive(wallet: Account, { currency, amountMinor }: PspPostingCommand): boolean {
  return isOpen(wallet, currency) && covers(wallet, amountMinor)
}

function isOpen(wallet: Account, currency: string): boolean {
  return wallet.currency === currency && refusalByStatus(wallet) === null
}

function accountOf({ accountId }: { accountId: string }, state: LedgerState): Account {
  const account = state.accounts.get(accountId)
  assert(account, `account ${accountId} is loaded or opened with the posting`)
  return account
}
