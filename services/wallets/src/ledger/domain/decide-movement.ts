import { covers, hasRoomFor } from './account.ts'
import type { CreditCommand, DebitCommand } from './command.ts'
import { counterpartOf } from './counterpart.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Moment } from './moment.ts'
import type { Outcome } from './outcome.ts'
import { committed } from './post.ts'
import { refusalOf, refused, walletOf } from './refuse.ts'

/** Money comes in. */
export function decideCredit(command: CreditCommand, state: LedgerState, at: Moment): Outcome {
  const account = walletOf(command, state)
  if (account === undefined) return refused('ACCOUNT_NOT_FOUND')
  const refusal = refusalOf(command, account, state)
  if (refusal !== null) return refused(refusal)
  const { amountMinor } = command
  if (!hasRoomFor(account, amountMinor)) return refused('BALANCE_LIMIT_EXCEEDED')
  const other = counterpartOf(command, state)
  return committed(command, at, {
    postings: [
      { account: other, balance: 'available', amountMinor: -amountMinor },
      { account, balance: 'available', amountMinor },
    ],
  })
}

/** Money goes out. */
export function decideDebit(command: DebitCommand, state: LedgerState, at: Moment): Outcome {
  const account = walletOf(command, state)
  if (account === undefined) return refused('ACCOUNT_NOT_FOUND')
  const refusal = refusalOf(command, account, state)
  if (refusal !== null) return refused(refusal)
  const { amountMinor } = command
  if (!covers(account, amountMinor)) return refused('INSUFFICIENT_FUNDS')
  const other = counterpartOf(command, state)
  return committed(command, at, {
    postings: [
      { account, balance: 'available', amountMinor: -amountMinor },
      { account: other, balance: 'available', amountMinor },
    ],
  })
}
