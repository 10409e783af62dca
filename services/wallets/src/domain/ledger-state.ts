import type { Account } from './account.ts'
import type { Command, CommandKey } from './command.ts'
import type { Hold } from './hold.ts'
import type { Committed, Refused, StoredAnswer } from './outcome.ts'

/** What is remembered of a key: its request, and the answer or, within a batch, the outcome. */
export type RememberedKey = { fingerprint: string } & (
  | { answer: StoredAnswer; outcome: null }
  | { answer: null; outcome: Committed | Refused }
)

/** As much of the ledger as a batch of commands needs: what is not in it does not exist. */
export interface LedgerState {
  accounts: Map<string, Account>
  holds: Map<string, Hold>
  holdsByPayment: Map<string, Hold>
  /** By `keyName`. */
  keys: Map<string, RememberedKey>
  /** By `referenceName`. */
  references: Set<string>
}

export function emptyLedger(): LedgerState {
  return {
    accounts: new Map(),
    holds: new Map(),
    holdsByPayment: new Map(),
    keys: new Map(),
    references: new Set(),
  }
}

/** No text in PostgreSQL can contain it. */
const SEPARATOR = '\0'

/** Keys belong to a tenant and a client (F2). */
export function keyName(tenantId: string, clientId: string, key: string): string {
  return tenantId + SEPARATOR + clientId + SEPARATOR + key
}

/** A reference is used once per tenant and kind, for ever. */
export function referenceName(tenantId: string, kind: string, referenceId: string): string {
  return tenantId + SEPARATOR + kind + SEPARATOR + referenceId
}

/** The name of a client's key; a payment's command has none, its hold remembers it. */
export function nameOfKey(command: { tenantId: string; key: CommandKey }): string | null {
  const { clientId, value } = command.key
  return clientId === null ? null : keyName(command.tenantId, clientId, value)
}

/** Puts a hold in, under its id and its payment. */
export function rememberHold(state: LedgerState, hold: Hold): void {
  state.holds.set(hold.holdId, hold)
  if (hold.paymentId !== null) state.holdsByPayment.set(hold.paymentId, hold)
}

/** The hold that a command names, if there is one. */
export function findHold(state: LedgerState, command: Command): Hold | undefined {
  switch (command.kind) {
    case 'credit':
    case 'debit':
      return undefined
    case 'hold':
      return command.paymentId === null ? undefined : state.holdsByPayment.get(command.paymentId)
    case 'commit':
    case 'rollback':
      return command.hold.by === 'payment'
        ? state.holdsByPayment.get(command.hold.paymentId)
        : state.holds.get(command.hold.holdId)
    default:
      return command satisfies never
  }
}
