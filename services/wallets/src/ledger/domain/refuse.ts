import { SCOPE } from '@caudal/contracts/scopes.ts'
import { type Account, covers, usesOverdraft } from './account.ts'
import { type Command, type MoneyCommand, takesReference } from './command.ts'
import { type LedgerState, referenceName } from './ledger-state.ts'
import type { LedgerRefusalCode, Refused } from './outcome.ts'

/** The outcome of a refused command, without a stored hold. */
export function refused(code: LedgerRefusalCode, detail: string | null = null): Refused {
  return { type: 'refused', code, detail, hold: null }
}

/** Why a wallet may not spend so much for this command; null when it may. */
export function refusalOfSpending(
  { rights }: MoneyCommand,
  account: Account,
  amountMinor: bigint,
): Refused | null {
  if (!covers(account, amountMinor)) return refused('INSUFFICIENT_FUNDS')
  if (rights.overdraft || !usesOverdraft(account, amountMinor)) return null
  return refused('FORBIDDEN', `using an overdraft needs a token with ${SCOPE.ledgerOverdraft}`)
}

/** The wallet's account that the command is about, if its tenant has such a one. */
export function walletOf(command: Command, state: LedgerState): Account | undefined {
  const account = state.accounts.get(command.accountId)
  if (account?.kind !== 'wallet' || account.tenantId !== command.tenantId) return undefined
  return account
}

/** Why an account takes no new commands that move its money; null when it does. */
export function refusalByStatus({ status }: Account): LedgerRefusalCode | null {
  switch (status) {
    case 'open':
      return null
    case 'frozen':
      return 'ACCOUNT_FROZEN'
    case 'closed':
      return 'ACCOUNT_CLOSED'
    default:
      return status satisfies never
  }
}

/** What speaks against moving money of this account at all. */
export function refusalOf(
  command: Command & { currency: string },
  account: Account,
  state: LedgerState,
): LedgerRefusalCode | null {
  if (isReferenceUsed(command, state)) return 'REFERENCE_ALREADY_USED'
  if (account.currency !== command.currency) return 'CURRENCY_MISMATCH'
  return refusalByStatus(account)
}

/** Whether an earlier command of the kind took the reference, so that this one is a repeat. */
export function isReferenceUsed(command: Command, state: LedgerState): boolean {
  if (!takesReference(command)) return false
  return state.references.has(referenceName(command.tenantId, command.kind, command.referenceId))
}
