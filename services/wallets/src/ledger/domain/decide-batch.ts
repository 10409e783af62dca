import assert from 'node:assert/strict'
import type { AccountChange } from './account-change.ts'
import type { Account } from './account.ts'
import type { BookingTime } from './booking-time.ts'
import type { OpenCommand, Request } from './command.ts'
import type { Conditions } from './conditions.ts'
import { decideAtomic } from './decide-atomic.ts'
import { type Decide, decide as decideOne } from './decide.ts'
import { fold, foldKey } from './fold.ts'
import { type Hold, holdKeyOf } from './hold.ts'
import { type LedgerState, nameOfSpending } from './ledger-state.ts'
import type { Opened, RequestOutcome } from './outcome.ts'
import type { Spending } from './policy.ts'
import { sumToZero } from './sum-to-zero.ts'
import type { Transfer } from './transfer.ts'

/** An account that the batch touched, as it stands afterwards. */
export interface ChangedAccount {
  account: Account
  versionBefore: number
  revisionBefore: number
}

/** Everything that a batch does: what became of each request, and what is to be written. */
export interface BatchDecision {
  /** In the order of the requests. */
  outcomes: RequestOutcome[]
  transfers: Transfer[]
  /** Accounts whose balances changed, and nothing else. */
  accounts: ChangedAccount[]
  /** Accounts that were changed themselves, whether or not their balances were too. */
  alteredAccounts: ChangedAccount[]
  changes: AccountChange[]
  /** What clients have spent afterwards, where it changed. */
  spending: Spending[]
  /** Holds that did not exist before, as they stand afterwards. */
  newHolds: Hold[]
  /** Holds that existed and changed, as they stand afterwards. */
  changedHolds: Hold[]
}

/**
 * Decides the requests one after the other, each seeing those before it, so that a batch equals its
 * commands one by one. `state` is the batch's own and takes what each of them does. `slots` are
 * those of the requests; 0 unless given.
 */
export function decideBatch(
  state: LedgerState,
  requests: readonly Request[],
  bookingTime: BookingTime,
  { slots = [], decide = decideOne }: { slots?: readonly number[]; decide?: Decide } = {},
): BatchDecision {
  const outcomes: RequestOutcome[] = []
  const written = collectWritten(state)
  const conditions = conditionsBySlot(bookingTime)
  for (const [index, request] of requests.entries()) {
    const at = conditions(slots[index] ?? 0)
    if (request.kind === 'atomic') {
      const outcome = decideAtomic(request, state, at)
      if (outcome.type === 'applied') for (const one of outcome.outcomes) written.add(one)
      foldKey(state, request, outcome)
      outcomes.push(outcome)
    } else if (request.kind === 'open') outcomes.push(decideOpening(request, state))
    else {
      const outcome = decide(request, state, at)
      written.add(outcome)
      fold(state, request, outcome)
      outcomes.push(outcome)
    }
  }
  return { outcomes, ...written.end() }
}

/** One object for each slot, however many commands are booked on it. */
function conditionsBySlot(bookingTime: BookingTime): (slot: number) => Conditions {
  const known = new Map<number, Conditions>()
  return (slot) => {
    let at = known.get(slot)
    if (at === undefined) known.set(slot, (at = { ...bookingTime, slot }))
    return at
  }
}

/** Accounts are opened before the batch is decided; the first command that names one reports it. */
function decideOpening({ accounts }: OpenCommand, state: LedgerState): Opened {
  const opened = accounts.flatMap(({ accountId }) => {
    const account = state.opened.get(accountId)
    state.opened.delete(accountId)
    return account === undefined ? [] : [account]
  })
  return { type: 'opened', accounts: opened }
}

/** Collects the writes that follow from the outcomes of a batch. */
function collectWritten(state: LedgerState) {
  const transfers: Transfer[] = []
  const changes: AccountChange[] = []
  const versionsBefore = new Map<string, number>()
  const revisionsBefore = new Map<string, number>()
  const holdsBefore = new Set(state.holds.keys())
  const holds = new Map<string, Hold>()
  const spending = new Map<string, Spending>()
  const changed = (accountId: string): ChangedAccount => {
    const account = state.accounts.get(accountId)!
    const versionBefore = versionsBefore.get(accountId) ?? account.version
    const revisionBefore = revisionsBefore.get(accountId) ?? account.revision
    return { account, versionBefore, revisionBefore }
  }
  return {
    add(outcome: RequestOutcome): void {
      if (outcome.type === 'posted') {
        assertBalanced(outcome.transfer, state)
        transfers.push(outcome.transfer)
        for (const one of outcome.spent) spending.set(nameOfSpending(one), one)
        for (const { accountId, accountVersion } of outcome.transfer.entries) {
          if (!versionsBefore.has(accountId)) versionsBefore.set(accountId, accountVersion - 1)
        }
      } else if (outcome.type === 'changed') {
        const { change } = outcome
        changes.push(change)
        if (!revisionsBefore.has(change.accountId)) {
          revisionsBefore.set(change.accountId, change.revision - 1)
        }
      }
      if ('hold' in outcome && outcome.hold !== null) {
        holds.set(holdKeyOf(outcome.hold), outcome.hold)
      }
    },
    end(): Omit<BatchDecision, 'outcomes'> {
      const moved = [...versionsBefore.keys()].filter((it) => !revisionsBefore.has(it))
      const kept = [...holds.values()]
      return {
        transfers,
        changes,
        spending: [...spending.values()],
        accounts: moved.map(changed),
        alteredAccounts: [...revisionsBefore.keys()].map(changed),
        newHolds: kept.filter((hold) => !holdsBefore.has(holdKeyOf(hold))),
        changedHolds: kept.filter((hold) => holdsBefore.has(holdKeyOf(hold))),
      }
    },
  }
}

/** Double entry (F1): an unbalanced transfer is never written, whichever decision made it. */
function assertBalanced({ kind, entries }: Transfer, state: LedgerState): void {
  const amounts = entries.map(({ amountMinor, accountId }) => {
    const { currency } = state.accounts.get(accountId)!
    return { currency, amountMinor }
  })
  assert(sumToZero(amounts) && entries.length > 1, `the entries of a ${kind} do not sum to zero`)
}
