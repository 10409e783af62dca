import { accountIdOf } from '@caudal/contracts/ids.ts'

/** Accounts of the operator. They are striped and may be overdrawn (rule 7). */
export const SYSTEM_ACCOUNT_KINDS = [
  'psp_settlement',
  'deposits_clearing',
  'payouts_clearing',
  'fees',
  'suspense',
] as const

export type SystemAccountKind = (typeof SYSTEM_ACCOUNT_KINDS)[number]
export type AccountKind = 'wallet' | SystemAccountKind
export type AccountStatus = 'open' | 'frozen' | 'closed'

/** The two balances of an account: what may be spent, and what is held for somebody. */
export type Balance = 'available' | 'held'

/** One account: a wallet's money in one currency, or one stripe of a system account. */
export interface Account {
  accountId: string
  tenantId: string
  currency: string
  kind: AccountKind
  status: AccountStatus
  availableMinor: bigint
  heldMinor: bigint
  /** How far below zero the available balance may go; null is without a limit. */
  overdraftLimitMinor: bigint | null
  /** Counts the transfers that touched the account, without a gap (F4). */
  version: number
  /** Counts the changes of the account itself. */
  revision: number
}

/** One stripe of a system account: who it belongs to and which it is. */
export interface SystemAccount {
  readonly accountId: string
  readonly tenantId: string
  readonly kind: SystemAccountKind
  readonly currency: string
  readonly stripe: number
}

/** Whether the account can spend so much without going further below zero than it may. */
export function covers(account: Account, amountMinor: bigint): boolean {
  const { availableMinor, overdraftLimitMinor } = account
  return overdraftLimitMinor === null || amountMinor <= availableMinor + overdraftLimitMinor
}

/** Whether the account can take so much. Only wallets have an upper end. */
export function hasRoomFor(account: Account, amountMinor: bigint): boolean {
  // The sum is bounded, so that giving back what is held can never overflow.
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
 * Stripes of each system account: as many as the log has partitions, so that two processes hardly
 * ever wait for the same settlement row (rule 7). Reads and checks sum them.
 */
export const STRIPES = 12

/** System accounts that have been asked for: few, and hashing an id takes microseconds. */
const systemAccounts = new Map<string, SystemAccount>()
const MOST_KEPT = 10_000

/**
 * The stripe of a system account; its id follows from who and which it is. User ids are UUIDs, so
 * the name that stands in the user's place here is nobody's.
 */
export function systemAccount(of: Omit<SystemAccount, 'accountId'>): SystemAccount {
  const { tenantId, kind, currency, stripe } = of
  const memo = `${kind}/${stripe}/${currency}/${tenantId}`
  let account = systemAccounts.get(memo)
  if (account === undefined) {
    const accountId = accountIdOf(tenantId, `${kind}/${stripe}`, currency)
    account = Object.freeze({ accountId, tenantId, kind, currency, stripe })
    if (systemAccounts.size >= MOST_KEPT) systemAccounts.clear()
    systemAccounts.set(memo, account)
  }
  return account
}
