import assert from 'node:assert/strict'
import type { AccountKind } from './account.ts'
import { isPostings, type MoneyCommand, type TakeCommand } from './command.ts'
import { KINDS } from './kinds.ts'
import { type LedgerState, nameOfSpending } from './ledger-state.ts'
import type { Posted, Refused } from './outcome.ts'
import { refused } from './refuse.ts'
import type { Transfer } from './transfer.ts'

/** The most that a client may move in a currency, in minor units; null is without a maximum. */
export interface CurrencyLimits {
  readonly perTransferMinor: bigint | null
  readonly perDayMinor: bigint | null
}

/** What a client may do with its scopes (ADR 0025). A value. */
export interface ClientPolicy {
  /** Equal for equal policies of a client only. */
  readonly version: string
  /** The kinds of accounts that it may move; null is all of them. */
  readonly accountKinds: ReadonlySet<AccountKind> | null
  /** The currencies that it may move; null is all of them, without a maximum. */
  readonly currencies: ReadonlyMap<string, CurrencyLimits> | null
}

/** What a client has moved in a currency on a day (UTC), as far as its policy limits that. */
export interface Spending {
  readonly tenantId: string
  readonly clientId: string
  readonly currency: string
  /** `YYYY-MM-DD`. */
  readonly day: string
  readonly spentMinor: bigint
}

/**
 * Holds a transfer that would be posted to the policy of its client. What a hold set aside was
 * counted then, so its commit or rollback is not counted again. Returns the outcome with what the
 * client has spent by it.
 */
export function permit(
  command: MoneyCommand,
  outcome: Posted,
  state: LedgerState,
  today: string,
): Posted | Refused {
  const { policy } = command
  if (policy === null || !isCounted(command)) return outcome
  const { transfer } = outcome
  const { accountKinds, currencies } = policy
  const foreign = accountKinds && kindsMovedBy(transfer, state).find((it) => !accountKinds.has(it))
  if (foreign) return forbidden(policy, `accounts of the kind ${foreign}`)
  if (currencies === null) return outcome
  const spent: Spending[] = []
  for (const [currency, movedMinor] of movedBy(transfer, state)) {
    const limits = currencies.get(currency)
    if (limits === undefined) return forbidden(policy, `the currency ${currency}`)
    const { perTransferMinor, perDayMinor } = limits
    if (perTransferMinor !== null && movedMinor > perTransferMinor) {
      const detail = `${movedMinor} ${currency}, the policy allows ${perTransferMinor} a transfer`
      return refused('TRANSFER_LIMIT_EXCEEDED', detail)
    }
    if (perDayMinor === null) continue
    const after = spendingAfter(command, { currency, movedMinor, today }, state)
    if (after.spentMinor > perDayMinor) {
      const sum = `${after.spentMinor} ${currency} on ${after.day}`
      const detail = `${sum}, the policy allows ${perDayMinor}`
      return refused('DAILY_LIMIT_EXCEEDED', detail)
    }
    spent.push(after)
  }
  return { ...outcome, spent }
}

/** The currencies in which the command can add to a sum that its client's policy limits by day. */
export function limitedCurrencies(command: MoneyCommand): string[] {
  const limits = command.policy?.currencies
  if (!limits || !isCounted(command)) return []
  const moved = isPostings(command)
    ? command.postings.map(({ currency }) => currency)
    : [command.currency]
  return moved.filter((currency) => (limits.get(currency)?.perDayMinor ?? null) !== null)
}

/** What is taken from a hold was counted when it was held. */
function isCounted(command: MoneyCommand): command is Exclude<MoneyCommand, TakeCommand> {
  return isPostings(command) || command.kind === 'hold'
}

/** A clock that goes back starts no day again: what is counted last stays the day. */
function spendingAfter(
  { tenantId, key: { clientId } }: MoneyCommand,
  { currency, movedMinor, today }: { currency: string; movedMinor: bigint; today: string },
  state: LedgerState,
): Spending {
  assert(clientId !== null, 'only clients have policies')
  const before = state.spending.get(nameOfSpending({ tenantId, clientId, currency }))
  const goesOn = before !== undefined && before.day >= today
  return {
    tenantId,
    clientId,
    currency,
    day: goesOn ? before.day : today,
    spentMinor: (goesOn ? before.spentMinor : 0n) + movedMinor,
  }
}

/** The kinds of accounts that the command names; the other side of its kind is not its choice. */
function kindsMovedBy({ kind, entries }: Transfer, state: LedgerState): AccountKind[] {
  if (KINDS[kind].form !== 'postings') return ['wallet']
  return entries.map(({ accountId }) => state.accounts.get(accountId)!.kind)
}

/** What the accounts of the transfer receive, by currency; a hold receives what it sets aside. */
function movedBy({ entries }: Transfer, state: LedgerState): Map<string, bigint> {
  const moved = new Map<string, bigint>()
  for (const { accountId, amountMinor } of entries) {
    if (amountMinor < 0n) continue
    const { currency } = state.accounts.get(accountId)!
    moved.set(currency, (moved.get(currency) ?? 0n) + amountMinor)
  }
  return moved
}

function forbidden({ version }: ClientPolicy, what: string): Refused {
  return refused('NOT_ALLOWED_BY_POLICY', `the client's policy (${version}) does not allow ${what}`)
}
