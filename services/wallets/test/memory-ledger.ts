import {
  type SystemAccountName,
  SYSTEM_ACCOUNT_KINDS,
  SLOTS,
  systemAccount,
} from '../src/ledger/domain/account.ts'
import type { Account } from '../src/ledger/domain/account.ts'
import { emptyLedger, type LedgerState } from '../src/ledger/domain/ledger-state.ts'
import type { Transfer } from '../src/ledger/domain/transfer.ts'
import { OTHER_PSPS } from './psp-postings.ts'
import type { TestWallet } from './test-wallet.ts'

/** A whole ledger in memory: the wallets' accounts and every system account they may need. */
export function memoryLedger(wallets: readonly TestWallet[]): LedgerState {
  const state = emptyLedger()
  type Opened = Pick<Account, 'accountId' | 'tenantId' | 'currency' | 'kind'>
  const open = (account: Opened, psp: string | null = null): void => {
    const counts = { availableMinor: 0n, heldMinor: 0n, version: 0, revision: 0 }
    const overdraftLimitMinor = account.kind === 'wallet' ? 0n : null
    const rest = { status: 'open', psp, overdraftLimitMinor, ...counts } as const
    state.accounts.set(account.accountId, { ...account, ...rest })
  }
  for (const { accountId, tenantId, currency } of wallets) {
    open({ accountId, tenantId, currency, kind: 'wallet' })
    const openSlots = (of: Omit<SystemAccountName, 'slot' | 'tenantId' | 'currency'>): void => {
      for (let slot = 0; slot < SLOTS; slot += 1) {
        const { accountId: id, psp } = systemAccount({ tenantId, currency, slot, ...of })
        if (state.accounts.has(id)) continue
        open({ accountId: id, tenantId, currency, kind: of.kind }, psp)
      }
    }
    for (const kind of SYSTEM_ACCOUNT_KINDS) openSlots({ kind })
    for (const psp of OTHER_PSPS) openSlots({ kind: 'psp_settlement', psp })
  }
  return state
}

/** The invariants of the ledger that this state breaks, as sentences; none when all is well. */
export function brokenInvariants(state: LedgerState, transfers: readonly Transfer[]): string[] {
  const broken: string[] = []
  const sums = new Map<string, bigint>()
  const touched = new Map<string, number>()
  const balances = new Map<string, { available: bigint; held: bigint }>()
  for (const { transferId, entries } of transfers) {
    const sum = entries.reduce((total, { amountMinor }) => total + amountMinor, 0n)
    if (sum !== 0n) broken.push(`transfer ${transferId} sums to ${sum}`)
    for (const accountId of new Set(entries.map((it) => it.accountId))) {
      touched.set(accountId, (touched.get(accountId) ?? 0) + 1)
    }
    for (const { accountId, balance, amountMinor } of entries) {
      const of = balances.get(accountId) ?? { available: 0n, held: 0n }
      of[balance] += amountMinor
      balances.set(accountId, of)
    }
  }
  const held = new Map<string, bigint>()
  for (const { accountId, remainingMinor } of state.holds.values()) {
    held.set(accountId, (held.get(accountId) ?? 0n) + remainingMinor)
  }
  for (const [accountId, account] of state.accounts) {
    const { availableMinor, heldMinor, currency, version } = account
    sums.set(currency, (sums.get(currency) ?? 0n) + availableMinor + heldMinor)
    const summed = balances.get(accountId) ?? { available: 0n, held: 0n }
    if (summed.available !== availableMinor || summed.held !== heldMinor) {
      broken.push(`account ${accountId} has other balances than the sums of its entries`)
    }
    if (version !== (touched.get(accountId) ?? 0)) broken.push(`version gap of ${accountId}`)
    if (account.kind !== 'wallet') continue
    const lowest = -(account.overdraftLimitMinor ?? 0n)
    if (availableMinor < lowest || heldMinor < 0n) broken.push(`account ${accountId} is overdrawn`)
    if (heldMinor !== (held.get(accountId) ?? 0n)) broken.push(`holds of ${accountId} differ`)
  }
  for (const [currency, sum] of sums) if (sum !== 0n) broken.push(`${currency} sums to ${sum}`)
  return broken
}
