import type { Command } from './command.ts'
import { decideAccountChange } from './decide-account.ts'
import { decideClosing } from './decide-closing.ts'
import { decideHold } from './decide-hold.ts'
import { decideCredit, decideDebit } from './decide-movement.ts'
import { decideTransfer } from './decide-transfer.ts'
import { type LedgerState, nameOfKey } from './ledger-state.ts'
import type { Moment } from './moment.ts'
import type { Outcome, Refused, Repeated } from './outcome.ts'
import { refused } from './refuse.ts'

/** A command, at the moment when its batch is booked. */
export type Decide = (command: Command, state: LedgerState, at: Moment) => Outcome

/**
 * Decides one command (F1). Pure: it reads the state, which must hold every account, hold, key,
 * reference and transfer that the command names, and changes nothing; `evolve` applies the
 * outcome.
 */
export const decide: Decide = (command, state, at) =>
  decideByKey(command, state) ?? decideCommand(command, state, at)

/** The same without a look at the key: for a command whose key is the one of its batch. */
export const decideCommand: Decide = (command, state, at) => {
  switch (command.kind) {
    case 'credit':
      return decideCredit(command, state, at)
    case 'debit':
      return decideDebit(command, state, at)
    case 'hold':
      return decideHold(command, state, at)
    case 'commit':
    case 'rollback':
      return decideClosing(command, state, at)
    case 'transfer':
      return decideTransfer(command, state, at)
    case 'freeze':
    case 'unfreeze':
    case 'close':
    case 'overdraft':
      return decideAccountChange(command, state)
    default:
      return command satisfies never
  }
}

/** What the key alone decides (F2): the same request again, or another one. Null for a new key. */
export function decideByKey(
  request: Parameters<typeof nameOfKey>[0],
  state: LedgerState,
): Repeated | Refused | null {
  const known = state.keys.get(nameOfKey(request) ?? '')
  if (known === undefined) return null
  if (known.fingerprint !== request.key.fingerprint) return refused('IDEMPOTENCY_MISMATCH')
  return { type: 'repeated', ...known }
}
