import assert from 'node:assert/strict'
import type { AccountChange } from './account-change.ts'
import type { Account } from './account.ts'
import type { Request } from './command.ts'
import { decideAtomic } from './decide-atomic.ts'
import { type Decide, decide as decideOne } from './decide.ts'
import { evolve, rememberKey } from './evolve.ts'
import { type Hold, holdKeyOf } from './hold.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Moment } from './moment.ts'
import type { RequestOutcome } from './outcome.ts'
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
  /** Holds that did not exist before, as they stand afterwards. */
  newHolds: Hold[]
  /** Holds that existed and changed, as they stand afterwards. */
  changedHolds: Hold[]
}

/**
 * Decides the requests one after the other, each seeing those before it, so that a batch equals its
 * commands one by one. `state` is the batch's own and is carried forward in place.
 */
export function decideBatch(
  state: LedgerState,
  requests: readonly Request[],
  at: Moment,
  decide: Decide = decideOne,
): BatchDecision {
  const outcomes: RequestOutcome[] = []
  const written = collectWritten(state)
  for (const request of requests) {
    if (request.kind === 'atomic') {
      const outcome = decideAtomic(request, state, at)
      if (outcome.type === 'applied') for (const one of outcome.outcomes) written.add(one)
      rememberKey(state, request, outcome)
      outcomes.push(outcome)
    } else {
      const outcome = decide(request, state, at)
      written.add(outcome)
      evolve(state, request, outcome)
      outcomes.push(outcome)
    }
  }
  return { outcomes, ...written.end() }
}

/** Gathers what the outcomes of a batch say is to be written. */
function collectWritten(state: LedgerState) {
  const transfers: Transfer[] = []
  const changes: AccountChange[] = []
  const versionsBefore = new Map<string, number>()
  const revisionsBefore = new Map<string, number>()
  const holdsBefore = new Set(state.holds.keys())
  const holds = new Map<string, Hold>()
  const changed = (accountId: string): ChangedAccount => {
    const account = state.accounts.get(accountId)!
    const versionBefore = versionsBefore.get(accountId) ?? account.version
    const revisionBefore = revisionsBefore.get(accountId) ?? account.revision
    return { account, versionBefore, revisionBefore }
  }
  return {
    add(outcome: RequestOutcome): void {
      if (outcome.type === 'committed') {
        assertBalanced(outcome.transfer, state)
        transfers.push(outcome.transfer)
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
        accounts: moved.map(changed),
        alteredAccounts: [...revisionsBefore.keys()].map(changed),
        newHolds: kept.filter((hold) => !holdsBefore.has(holdKeyOf(hold))),
        changedHolds: kept.filter((hold) => holdsBefore.has(holdKeyOf(hold))),
      }
    },
  }
}

/** Double entry, whoever decided (F1): a transfer that does not add up is never written. */
function assertBalanced({ kind, entries }: Transfer, state: LedgerState): void {
  const amounts = entries.map(({ amountMinor, accountId }) => {
    const { currency } = state.accounts.get(accountId)!
    return { currency, amountMinor }
  })
  assert(sumToZero(amounts) && entries.length > 1, `the entries of a ${kind} do not sum to zero`)
}
