import { exactInteger } from '@caudal/contracts/exact-integer.ts'
import { entryIdOf } from '../ledger/domain/transfer.ts'
import type {
  AccountDetails,
  Balances,
  HoldDetails,
  StatementLine,
  SystemAccountTotal,
  TransferDetails,
  TransferSummary,
  TrialBalanceRow,
} from './history.ts'

/** An amount: exact minor units with their currency. */
function showAmount(minor: bigint, currency: string) {
  return { minor_units: exactInteger(minor), currency }
}

/** The two balances of an account, as amounts in its currency. */
export function showBalances({ availableMinor, heldMinor }: Balances, currency: string) {
  return {
    available: showAmount(availableMinor, currency),
    held: showAmount(heldMinor, currency),
  }
}

/** An account as the answer to a client of the ledger. */
export function showAccount(account: AccountDetails) {
  const { currency, overdraftLimitMinor: limit } = account
  return {
    account_id: account.accountId,
    kind: account.kind,
    status: account.status,
    currency,
    wallet_id: account.walletId,
    user_id: account.userId,
    stripe: account.slot,
    psp: account.psp,
    ...showBalances(account, currency),
    overdraft: {
      rule: limit === null ? 'unlimited' : limit === 0n ? 'never' : 'limit',
      limit: limit === null ? null : showAmount(limit, currency),
    },
    version: account.version,
    opened_at: account.openedAt.toISOString(),
  }
}

/** A system account as the sum of its slots. */
export function showSystemAccount(account: SystemAccountTotal) {
  const { kind, psp, currency, slots, ...balances } = account
  return { kind, psp, currency, ...showBalances(balances, currency), stripes: slots }
}

/** A line of a statement, with the balance before and after it. */
export function showLine(line: StatementLine, currency: string) {
  return {
    entry_id: entryIdOf(line.transferId, line.line),
    transfer_id: line.transferId,
    kind: line.kind,
    reference_id: line.referenceId,
    reason: line.reason,
    payment_id: line.paymentId,
    hold_id: line.holdId,
    balance: line.balance,
    amount: showAmount(line.amountMinor, currency),
    balance_before: showAmount(line.beforeMinor, currency),
    balance_after: showAmount(line.afterMinor, currency),
    version: line.version,
    value_date: line.valueDate,
    booked_at: line.bookedAt.toISOString(),
  }
}

/** A hold, with what is still held of it. */
export function showHold(hold: HoldDetails) {
  const { currency } = hold
  return {
    hold_id: hold.holdId,
    payment_id: hold.paymentId,
    account_id: hold.accountId,
    status: hold.status,
    refused_for: hold.refusedFor,
    amount: showAmount(hold.amountMinor, currency),
    remaining: showAmount(hold.remainingMinor, currency),
    created_at: hold.createdAt.toISOString(),
    changed_at: hold.changedAt.toISOString(),
    expires_at: hold.expiresAt?.toISOString() ?? null,
  }
}

/** A transfer of a list, without its entries. */
export function showTransferSummary(transfer: TransferSummary) {
  return {
    transfer_id: transfer.transferId,
    kind: transfer.kind,
    reference_id: transfer.referenceId,
    reason: transfer.reason,
    client_id: transfer.clientId,
    account_id: transfer.accountId,
    amount: showAmount(transfer.amountMinor, transfer.currency),
    payment_id: transfer.paymentId,
    hold_id: transfer.holdId,
    value_date: transfer.valueDate,
    booked_at: transfer.bookedAt.toISOString(),
    corrects: transfer.correctsId,
  }
}

/** A transfer with its entries. */
export function showTransfer(transfer: TransferDetails) {
  return {
    transfer_id: transfer.transferId,
    kind: transfer.kind,
    reference_id: transfer.referenceId,
    reason: transfer.reason,
    client_id: transfer.clientId,
    payment_id: transfer.paymentId,
    hold_id: transfer.holdId,
    value_date: transfer.valueDate,
    booked_at: transfer.bookedAt.toISOString(),
    corrects: transfer.correctsId,
    correction: transfer.correction,
    policy_version: transfer.policyVersion,
    corrected_by: transfer.correctedBy,
    entries: transfer.entries.map((entry) => ({
      entry_id: entryIdOf(transfer.transferId, entry.line),
      account_id: entry.accountId,
      account_kind: entry.accountKind,
      balance: entry.balance,
      amount: showAmount(entry.amountMinor, entry.currency),
      balance_before: showAmount(entry.balanceAfterMinor - entry.amountMinor, entry.currency),
      balance_after: showAmount(entry.balanceAfterMinor, entry.currency),
      version: entry.version,
    })),
  }
}

/** The rows by currency, with their sums: the debits are the credits, or the books are wrong. */
export function showTrialBalance(rows: readonly TrialBalanceRow[]) {
  const currencies = Map.groupBy(rows, ({ currency }) => currency)
  return [...currencies].map(([currency, own]) => {
    const debit = own.reduce((sum, { debitMinor }) => sum + debitMinor, 0n)
    const credit = own.reduce((sum, { creditMinor }) => sum + creditMinor, 0n)
    return {
      currency,
      accounts: own.map((row) => ({
        kind: row.kind,
        accounts: row.accounts,
        ...showBalances(row, currency),
        debit: showAmount(row.debitMinor, currency),
        credit: showAmount(row.creditMinor, currency),
      })),
      debit: showAmount(debit, currency),
      credit: showAmount(credit, currency),
      total: showAmount(credit - debit, currency),
    }
  })
}
