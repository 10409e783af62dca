import { createBoundedCache } from '@caudal/http/bounded-cache.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { SystemAccount } from './domain/account.ts'
import { type Command, commandsOf, holdKeyNamedBy, type Request } from './domain/command.ts'
import { missingSystemAccounts, systemAccountsOf } from './domain/counterpart.ts'
import { emptyLedger, type LedgerState } from './domain/ledger-state.ts'
import type { OpenedAccount } from './domain/reading.ts'
import { findTransfers } from './store/find-transfers.ts'
import { loadKeys } from './store/load-keys.ts'
import { type LedgerNames, lockLedger } from './store/lock-ledger.ts'
import { openSystemAccounts } from './store/open-system-accounts.ts'

/**
 * Currencies of wallets that have holds; an account keeps its currency for ever. A commit need not
 * say one, and still its settlement account is locked together with the others.
 */
const currencies = createBoundedCache<string>(100_000)

/** What a batch needs of the ledger, locked until the transaction ends. */
export interface LoadedLedger {
  state: LedgerState
  /** The database's clock, read when every lock was held. */
  now: Date
  /** Accounts of the system that the batch was the first to need. */
  opened: OpenedAccount[]
}

/**
 * Locks in the order of rule 6; system accounts that a batch is the first to need are opened. What
 * is remembered of clients' keys and references is loaded if `keys` says so.
 */
export async function loadLedger(
  tx: Tx,
  requests: readonly Request[],
  { keys }: { keys: boolean },
): Promise<LoadedLedger> {
  const state = emptyLedger()
  const commands = requests.flatMap(commandsOf)
  const names = namesOf(commands, state)
  const [now] = await Promise.all([
    lockLedger(tx, state, names),
    keys && loadKeys(tx, state, requests),
    findTransfers(tx, state, commands),
  ])
  rememberCurrencies(commands, state)
  const allThere = names.accountIds.size === state.accounts.size
  const missing = missingOf(allThere ? commands.filter(isNamedByHold) : commands, state)
  if (missing.length === 0) return { state, now, opened: [] }
  const opened = await openSystemAccounts(tx, missing)
  const accountIds = new Set(missing.map((it) => it.accountId))
  const later = await lockLedger(tx, state, { accountIds, holdKeys: new Set() })
  return { state, now: later, opened }
}

function namesOf(commands: readonly Command[], state: LedgerState): LedgerNames {
  const accountIds = new Set<string>()
  const holdKeys = new Set<string>()
  for (const command of commands) {
    accountIds.add(command.accountId)
    const likely = command.kind === 'commit' ? currencies.get(command.accountId) : undefined
    for (const { accountId } of systemAccountsOf(command, state, likely)) accountIds.add(accountId)
    if (command.kind === 'transfer') {
      for (const { accountId } of command.postings) accountIds.add(accountId)
    }
    const hold = holdKeyNamedBy(command)
    if (hold !== null) holdKeys.add(hold)
  }
  return { accountIds, holdKeys }
}

function rememberCurrencies(commands: readonly Command[], state: LedgerState): void {
  for (const { kind, accountId } of commands) {
    if (kind !== 'hold' && kind !== 'commit') continue
    if (currencies.get(accountId) !== undefined) continue
    const account = state.accounts.get(accountId)
    if (account !== undefined) currencies.set(accountId, account.currency)
  }
}

/** Whether only its hold says which settlement account it needs; before that one is supposed. */
function isNamedByHold(command: Command): boolean {
  return command.kind === 'commit' && command.currency === null
}

function missingOf(commands: readonly Command[], state: LedgerState): SystemAccount[] {
  const missing = new Map<string, SystemAccount>()
  for (const command of commands) {
    for (const account of missingSystemAccounts(command, state)) {
      missing.set(account.accountId, account)
    }
  }
  return [...missing.values()]
}
