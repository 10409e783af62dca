import { type SystemAccount, systemAccount } from './account.ts'
import {
  type Command,
  isPostings,
  isPspPosting,
  type PostingsCommand,
  type RequestedPosting,
} from './command.ts'
import { findHold, type LedgerState, pspPostingName } from './ledger-state.ts'
import { systemEndsOf } from './psp-posting.ts'
import { sumToZero } from './sum-to-zero.ts'

/** A command with the slot of system accounts on which it is booked. */
export interface Placed<C extends Command = Command> {
  command: C
  slot: number
}

/**
 * The accounts of the system that the command names or has on its other side. `likely` is the
 * currency of a commit that names none and whose hold is not in the state.
 */
export function systemAccountsOf(
  { command, slot }: Placed,
  state: LedgerState,
  likely?: string,
): SystemAccount[] {
  if (isPostings(command)) {
    const accounts: SystemAccount[] = []
    for (const posting of command.postings) {
      const { system: kind, currency } = posting
      if (kind === null) continue
      accounts.push(systemAccount({ tenantId: command.tenantId, kind, currency, slot }))
    }
    return accounts
  }
  if (isPspPosting(command)) return systemEndsOf(command, slot)
  if (command.kind !== 'commit') return []
  const currency = command.currency ?? findHold(state, command)?.currency ?? likely
  if (currency === undefined) return []
  const { tenantId, psp } = command
  return [systemAccount({ tenantId, kind: 'psp_settlement', currency, slot, psp })]
}

/**
 * Those that are not there yet and must be opened for the command. One that will be refused
 * whatever the balances are opens nothing.
 */
export function missingSystemAccounts(placed: Placed, state: LedgerState): SystemAccount[] {
  const needed = systemAccountsOf(placed, state)
  const missing = needed.filter(({ accountId }) => !state.accounts.has(accountId))
  return missing.length > 0 && hasItsAccounts(placed.command, needed, state) ? missing : []
}

/** The id of the account that a posting names, on the command's slot of it. */
export function accountIdIn(
  { command, slot }: Placed<PostingsCommand>,
  { accountId, system: kind, currency }: RequestedPosting,
): string {
  if (kind === null) return accountId
  return systemAccount({ tenantId: command.tenantId, kind, currency, slot }).accountId
}

/**
 * Whether the accounts that the command names itself are there, in its currencies. A PSP's posting
 * needs none of them, but is booked only once.
 */
function hasItsAccounts(
  command: Command,
  needed: readonly SystemAccount[],
  state: LedgerState,
): boolean {
  if (isPspPosting(command)) {
    return !state.pspPostings.has(pspPostingName(command.tenantId, command.postingId))
  }
  if (!isPostings(command)) {
    return state.accounts.get(command.accountId)?.currency === needed[0]!.currency
  }
  if (!sumToZero(command.postings)) return false
  return command.postings.every(
    ({ accountId, currency }) =>
      accountId === null || state.accounts.get(accountId)?.currency === currency,
  )
}
