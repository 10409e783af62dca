import { createBoundedCache } from '@caudal/batching/bounded-cache.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { SystemAccount } from './domain/account.ts'
import {
  type Command,
  commandsOf,
  holdKeyNamedBy,
  isPostings,
  isPspPosting,
  type Request,
} from './domain/command.ts'
import { emptyLedger, type LedgerState } from './domain/ledger-state.ts'
import type { OpenedAccount } from './domain/opening.ts'
import { missingSystemAccounts, type Placed, systemAccountsOf } from './domain/system-accounts.ts'
import { loadHoldClients } from './store/load-hold-clients.ts'
import { loadOriginals, lockOriginals } from './store/load-originals.ts'
import { loadPspPostings } from './store/load-psp-postings.ts'
import { loadUsedKeys } from './store/load-used-keys.ts'
import { type LedgerNames, lockLedger } from './store/lock-ledger.ts'
import { lockSpending } from './store/lock-spending.ts'
import { openSystemAccounts } from './store/open-system-accounts.ts'
import { openWalletAccounts } from './store/open-wallet-accounts.ts'

/**
 * Currencies of wallets that have holds; an account keeps its currency for ever. A commit need not
 * name one, and still its settlement account is locked together with the others.
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

/** What is to be loaded: requests with their slots of system accounts. */
export interface Loading {
  requests: readonly Request[]
  slots: readonly number[]
  /** Whether used keys and references of clients are looked up. */
  keys: boolean
}

/**
 * Opens the wallets' accounts that the batch asks for, then locks what it names in the order of
 * rule 6. System accounts that it is the first to need are opened.
 */
export async function loadLedger(
  tx: Tx,
  { requests, slots, keys }: Loading,
): Promise<LoadedLedger> {
  const state = emptyLedger()
  await openWallets(tx, state, requests)
  const placed = requests.flatMap((request, index) =>
    commandsOf(request).map((command): Placed => ({ command, slot: slots[index]! })),
  )
  const commands = placed.map(({ command }) => command)
  const names = namesOf(placed, state)
  const originalIds = originalsNamedBy(commands)
  const [, , now] = await Promise.all([
    lockOriginals(tx, originalIds),
    lockSpending(tx, state, commands),
    lockLedger(tx, state, names),
    keys && loadUsedKeys(tx, state, requests),
    loadOriginals(tx, state, originalIds),
    loadPspPostings(tx, state, commands),
  ])
  await loadHoldClients(tx, state, commands)
  cacheCurrencies(commands, state)
  const allThere = names.accountIds.size === state.accounts.size
  const missing = missingOf(allThere ? placed.filter(isNamedByHold) : placed, state)
  if (missing.length === 0) return { state, now, opened: [] }
  const opened = await openSystemAccounts(tx, missing)
  const accountIds = new Set(missing.map((it) => it.accountId))
  const later = await lockLedger(tx, state, { accountIds, holdKeys: new Set() })
  return { state, now: later, opened }
}

/** A payment of a new user may be in the same batch, so accounts come first. */
async function openWallets(
  tx: Tx,
  state: LedgerState,
  requests: readonly Request[],
): Promise<void> {
  const accounts = requests.flatMap((it) => (it.kind === 'open' ? it.accounts : []))
  for (const account of await openWalletAccounts(tx, accounts)) {
    state.opened.set(account.accountId, account)
  }
}

function namesOf(placed: readonly Placed[], state: LedgerState): LedgerNames {
  const accountIds = new Set<string>()
  const holdKeys = new Set<string>()
  for (const one of placed) {
    const { command } = one
    const likely = command.kind === 'commit' ? currencies.get(command.accountId) : undefined
    for (const { accountId } of systemAccountsOf(one, state, likely)) accountIds.add(accountId)
    if (isPostings(command)) {
      for (const { accountId } of command.postings) {
        if (accountId !== null) accountIds.add(accountId)
      }
    } else if (!isPspPosting(command) || command.end === 'wallet') {
      accountIds.add(command.accountId)
    }
    const hold = holdKeyNamedBy(command)
    if (hold !== null) holdKeys.add(hold)
  }
  return { accountIds, holdKeys }
}

function originalsNamedBy(commands: readonly Command[]): string[] {
  const ids = new Set<string>()
  for (const command of commands) {
    if (isPostings(command) && command.correctsId !== null) ids.add(command.correctsId)
  }
  return [...ids]
}

function cacheCurrencies(commands: readonly Command[], state: LedgerState): void {
  for (const { kind, accountId } of commands) {
    if (kind !== 'hold' && kind !== 'commit') continue
    if (currencies.get(accountId) !== undefined) continue
    const account = state.accounts.get(accountId)
    if (account !== undefined) currencies.set(accountId, account.currency)
  }
}

/** Whether only its hold names the settlement account that it needs; until then one is assumed. */
function isNamedByHold({ command }: Placed): boolean {
  return command.kind === 'commit' && command.currency === null
}

function missingOf(placed: readonly Placed[], state: LedgerState): SystemAccount[] {
  const missing = new Map<string, SystemAccount>()
  for (const one of placed) {
    for (const account of missingSystemAccounts(one, state)) {
      missing.set(account.accountId, account)
    }
  }
  return [...missing.values()]
}
