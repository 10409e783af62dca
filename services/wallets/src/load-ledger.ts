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

/** What a batch needs of the ledger, locked until the transaction ends. */
export interface LoadedLedger {
  state: LedgerState
  /** The database's clock, read when every lock was held. */
  now: Date
  /** Accounts of the system that the batch was the first to need. */
  opened: OpenedAccount[]
}

/** Locks in the order of rule 6; system accounts that a batch is the first to need are opened. */
export async function loadLedger(tx: Tx, requests: readonly Request[]): Promise<LoadedLedger> {
  const state = emptyLedger()
  const commands = requests.flatMap(commandsOf)
  const [now] = await Promise.all([
    lockLedger(tx, state, namesOf(commands, state)),
    loadKeys(tx, state, requests),
    findTransfers(tx, state, commands),
  ])
  const missing = missingOf(commands, state)
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
    for (const { accountId } of systemAccountsOf(command, state)) accountIds.add(accountId)
    if (command.kind === 'transfer') {
      for (const { accountId } of command.postings) accountIds.add(accountId)
    }
    const hold = holdKeyNamedBy(command)
    if (hold !== null) holdKeys.add(hold)
  }
  return { accountIds, holdKeys }
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
