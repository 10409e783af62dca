import assert from 'node:assert/strict'
import type { Account } from './account.ts'
import type { Command } from './command.ts'
import { type Decide, decide as decideOne } from './decide.ts'
import { evolve } from './evolve.ts'
import { type Hold, holdKeyOf } from './hold.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Outcome } from './outcome.ts'
import type { Transfer } from './transfer.ts'

/** An account that the batch touched, as it stands afterwards. */
export interface ChangedAccount {
  account: Account
  versionBefore: number
}

/** Everything that a batch does: what became of each command, and what is to be written. */
export interface BatchDecision {
  /** In the order of the commands. */
  outcomes: Outcome[]
  transfers: Transfer[]
  accounts: ChangedAccount[]
  /** Holds that did not exist before, as they stand afterwards. */
  newHolds: Hold[]
  /** Holds that existed and changed, as they stand afterwards. */
  changedHolds: Hold[]
}

/**
 * Decides the commands one after the other, each seeing those before it, so that a batch equals its
 * commands one by one. `state` is the batch's own and is carried forward in place.
 */
export function decideBatch(
  state: LedgerState,
  commands: readonly Command[],
  today: string,
  decide: Decide = decideOne,
): BatchDecision {
  const outcomes: Outcome[] = []
  const transfers: Transfer[] = []
  const versionsBefore = new Map<string, number>()
  const holdsBefore = new Set(state.holds.keys())
  const holds = new Map<string, Hold>()
  for (const command of commands) {
    const outcome = decide(command, state, today)
    if (outcome.type === 'committed') {
      assertBalanced(outcome.transfer, state)
      transfers.push(outcome.transfer)
      for (const { accountId, accountVersion } of outcome.transfer.entries) {
        if (!versionsBefore.has(accountId)) versionsBefore.set(accountId, accountVersion - 1)
      }
    }
    if ('hold' in outcome && outcome.hold !== null) {
      holds.set(holdKeyOf(outcome.hold), outcome.hold)
    }
    evolve(state, command, outcome)
    outcomes.push(outcome)
  }
  const accounts = [...versionsBefore].map(([accountId, versionBefore]) => {
    const account = state.accounts.get(accountId)!
    return { account, versionBefore }
  })
  const written = [...holds.values()]
  return {
    outcomes,
    transfers,
    accounts,
    newHolds: written.filter((hold) => !holdsBefore.has(holdKeyOf(hold))),
    changedHolds: written.filter((hold) => holdsBefore.has(holdKeyOf(hold))),
  }
}

/** Double entry: what one balance loses others gain, in one currency (F1). */
function assertBalanced({ kind, currency, entries }: Transfer, state: LedgerState): void {
  let sum = 0n
  for (const { amountMinor, accountId } of entries) {
    sum += amountMinor
    assert(state.accounts.get(accountId)?.currency === currency, `a ${kind} mixes currencies`)
  }
  assert(sum === 0n && entries.length > 1, `the entries of a ${kind} do not sum to zero`)
}
