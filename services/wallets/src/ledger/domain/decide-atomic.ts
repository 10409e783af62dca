import assert from 'node:assert/strict'
import type { AtomicBatch, Command } from './command.ts'
import type { Conditions } from './conditions.ts'
import { lineOf } from './correction.ts'
import { outcomeByKey, decideCommand } from './decide.ts'
import { foldEffect } from './fold.ts'
import { holdKeyOf } from './hold.ts'
import {
  findHold,
  type LedgerState,
  nameOfSpending,
  referenceName,
  transferName,
} from './ledger-state.ts'
import type { Applied, Changed, Posted, NotApplied, Refused, Repeated } from './outcome.ts'

/**
 * Decides an atomic batch: each command sees those before it, and the first that is refused takes
 * all of them back. On success the state has been carried forward, else it is as it was.
 */
export function decideAtomic(
  batch: AtomicBatch,
  state: LedgerState,
  at: Conditions,
): Applied | NotApplied | Repeated | Refused {
  const known = outcomeByKey(batch, state)
  if (known !== null) return known
  const outcomes: (Posted | Changed)[] = []
  const takeBack: (() => void)[] = []
  for (const [index, command] of batch.commands.entries()) {
    const outcome = decideCommand(command, state, at)
    if (outcome.type === 'refused') {
      for (const step of takeBack.toReversed()) step()
      return { type: 'not_applied', index, code: outcome.code, detail: outcome.detail }
    }
    const isDone = outcome.type === 'posted' || outcome.type === 'changed'
    assert(isDone, `a client's command is never ${outcome.type}`)
    takeBack.push(undoOf(state, command, outcome))
    foldEffect(state, command, outcome)
    outcomes.push(outcome)
  }
  return { type: 'applied', outcomes }
}

/** What brings the state back to where it is now, after `foldEffect` of this outcome. */
function undoOf(state: LedgerState, command: Command, outcome: Posted | Changed): () => void {
  const accountIds =
    outcome.type === 'changed'
      ? [outcome.change.accountId]
      : outcome.transfer.entries.map((it) => it.accountId)
  const before = accountIds.map((accountId) => state.accounts.get(accountId)!)
  const holdBefore = findHold(state, command)
  const reference = referenceName(command.tenantId, command.kind, command.referenceId)
  const line = outcome.type === 'posted' ? lineOf(state, outcome.transfer) : []
  const originalsBefore = line.map((name) => [name, state.originals.get(name)] as const)
  const spent = outcome.type === 'posted' ? outcome.spent.map(nameOfSpending) : []
  const spentBefore = spent.map((name) => [name, state.spending.get(name)] as const)
  return () => {
    for (const [name, spending] of spentBefore) restore(state.spending, name, spending)
    for (const account of before) state.accounts.set(account.accountId, account)
    state.references.delete(reference)
    if (outcome.type === 'changed') return
    const { transfer, hold } = outcome
    state.posted.delete(transferName(transfer.tenantId, transfer.transferId))
    for (const [name, original] of originalsBefore) restore(state.originals, name, original)
    if (hold === null) return
    restore(state.holds, holdKeyOf(hold), holdBefore)
  }
}

function restore<V>(values: Map<string, V>, key: string, before: V | undefined): void {
  if (before === undefined) values.delete(key)
  else values.set(key, before)
}
