import { decideByKey } from '@caudal/idempotency/decide-by-key.ts'
import type { Command } from './command.ts'
import type { Conditions } from './conditions.ts'
import { decideAccountChange } from './decide-account.ts'
import { KINDS } from './kinds.ts'
import { type LedgerState, nameOfKey } from './ledger-state.ts'
import type { Outcome, Refused, Repeated } from './outcome.ts'
import { permit } from './policy.ts'
import { refused } from './refuse.ts'

/** A command, under the conditions of its batch. */
export type Decide = (command: Command, state: LedgerState, at: Conditions) => Outcome

/**
 * Decides one command (F1). Pure: it reads the state, which must hold every account, hold, key,
 * reference and transfer that the command names, and changes nothing; `fold` applies the outcome.
 */
export const decide: Decide = (command, state, at) =>
  outcomeByKey(command, state) ?? decideCommand(command, state, at)

/** The same without a look at the key: for a command whose key is the one of its batch. */
export const decideCommand: Decide = (command, state, at) => {
  switch (command.kind) {
    case 'freeze':
    case 'unfreeze':
    case 'close':
    case 'overdraft':
      return decideAccountChange(command, state)
    default: {
      const outcome = KINDS[command.kind].decide(command, state, at)
      return outcome.type === 'posted' ? permit(command, outcome, state, at.today) : outcome
    }
  }
}

/** What the key alone decides (F2): the same request again, or another one. Null for a new key. */
export function outcomeByKey(
  request: Parameters<typeof nameOfKey>[0],
  state: LedgerState,
): Repeated | Refused | null {
  const known = state.keys.get(nameOfKey(request) ?? '')
  const byKey = decideByKey(known, request.key.fingerprint)
  switch (byKey.kind) {
    case 'new':
      return null
    case 'mismatch':
      return refused('IDEMPOTENCY_MISMATCH')
    case 'replay':
      return { type: 'repeated', ...byKey.answer }
    default:
      return byKey satisfies never
  }
}
