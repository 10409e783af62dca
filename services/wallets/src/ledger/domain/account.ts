import { accountIdOf } from '@caudal/contracts/ids.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'

/** Accounts of the operator. Each has several slots and may be overdrawn (rule 7). */
export const SYSTEM_ACCOUNT_KINDS = [
  'psp_settlement',
  'deposits_clearing',
  'payouts_clearing',
  'fees',
  'suspense',
  'receivable',
] as const

export type SystemAccountKind = (typeof SYSTEM_ACCOUNT_KINDS)[number]
export type AccountKind = 'wallet' | SystemAccountKind
export type AccountStatus = 'open' | 'frozen' | 'closed'

/** The two balances of an account: what may be spent, and what is held. */
export type Balance = 'available' | 'held'

/** One account: a wallet's money in one currency, or one slot of a system account. A value. */
export interface Account {
  readonly accountId: string
  readonly tenantId: string
  readonly currency: string
  readonly kind: AccountKind
  /** Of a settlement account of another PSP than the default one (ADR 0019). */
  readonly psp: string | null
  readonly status: AccountStatus
  readonly availableMinor: bigint
  readonly heldMinor: bigint
  /** How far below zero the available balance may go; null is without a limit. */
  readonly overdraftLimitMinor: bigint | null
  /** Counts the transfers that touched the account, without a gap (F4). */
  readonly version: number
  /** Counts the changes of the account itself. */
  readonly revision: number
}

/** One slot of a system account: who it belongs to and which it is. */
export interface SystemAccount {
  readonly accountId: string
  readonly tenantId: string
  readonly kind: SystemAccountKind
  readonly currency: string
  readonly slot: number
  /** Of a settlement account of another PSP than the default one, which has none (ADR 0019). */
  readonly psp: string | null
}

/** A slot of a system account, by what its id is made of; without a PSP the default one's. */
export interface SystemAccountName {
  tenantId: string
  kind: SystemAccountKind
  currency: string
  slot: number
  psp?: string | null
}

/** The PSP of a settlement account, by the name that is kept with it; null of any other account. */
export function settlementPsp(kind: AccountKind, psp: string | null): string | null {
  return kind === 'psp_settlement' ? (psp ?? DEFAULT_PSP) : null
}

/** What corrections count as one account: a wallet's, or all slots of a system account. */
export function accountGroup({
  accountId,
  kind,
  psp,
  currency,
}: Pick<Account, 'accountId' | 'kind' | 'psp' | 'currency'>): string {
  return kind === 'wallet' ? accountId : `${kind}/${psp ?? ''}/${currency}`
}

/** Whether the account can spend so much without going further below zero than it may. */
export function covers(account: Account, amountMinor: bigint): boolean {
  const { availableMinor, overdraftLimitMinor } = account
  return overdraftLimitMinor === null || amountMinor <= availableMinor + overdraftLimitMinor
}

/** Whether the account would go below zero by it. Accounts of the system may always. */
export function usesOverdraft({ kind, availableMinor }: Account, amountMinor: bigint): boolean {
  return kind === 'wallet' && amountMinor > availableMinor
}

/** Whether the account can take so much. Only wallets have an upper end. */
export function hasRoomFor(account: Account, amountMinor: bigint): boolean {
  // The sum is bounded, so that the release of what is held can never overflow.
  const total = account.availableMinor + account.heldMinor
  return account.kind !== 'wallet' || amountMinor <= MAX_BALANCE_MINOR - total
}

/** Whether so much more can be held: an overdraft can hold money that was never there. */
export function canHold({ heldMinor }: Account, amountMinor: bigint): boolean {
  return amountMinor <= MAX_BALANCE_MINOR - heldMinor
}

/** The largest amount and balance, and the largest sum of a wallet's two: 2^63-1 minor units. */
export const MAX_BALANCE_MINOR = 2n ** 63n - 1n

/**
 * Slots of each system account: as many as the log has partitions, so that two processes hardly
 * ever wait for the same settlement row (rule 7). Reads and checks sum them.
 */
export const SLOTS = 12

/** System accounts that have been asked for: few, and hashing an id takes microseconds. */
const systemAccounts = new Map<string, SystemAccount>()
const MOST_KEPT = 10_000

/**
 * The slot of a system account; its id follows from tenant, kind, PSP, slot and currency. User ids
 * are UUIDs, so the name that stands in the user's place here belongs to no user. A PSP's name has
 * no slash, so no two accounts have the same name.
 */
export function systemAccount(of: SystemAccountName): SystemAccount {
  const { tenantId, kind, currency, slot } = of
  const psp = of.psp === undefined || of.psp === DEFAULT_PSP ? null : of.psp
  const name = psp === null ? `${kind}/${slot}` : `${kind}/${psp}/${slot}`
  const memo = `${name}/${currency}/${tenantId}`
  let account = systemAccounts.get(memo)
  if (account === undefined) {
    const accountId = accountIdOf(tenantId, name, currency)
    account = Object.freeze({ accountId, tenantId, kind, currency, slot, psp })
    if (systemAccounts.size >= MOST_KEPT) systemAccounts.clear()
    systemAccounts.set(memo, account)
  }
  return account
}
