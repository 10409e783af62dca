import type { Account } from './account.ts'
import { type Command, type CommandKey, holdKeyNamedBy } from './command.ts'
import type { Original } from './correction.ts'
import type { Hold } from './hold.ts'
import type { OpenedAccount } from './opening.ts'
import type { Final, CommandAnswer } from './outcome.ts'
import type { Spending } from './policy.ts'
import type { BookedPosting } from './psp-posting.ts'
import type { Transfer } from './transfer.ts'

/** What is known of a used key: its request, and the answer or, within a batch, the outcome. */
export type RememberedKey = { fingerprint: string } & (
  | { answer: CommandAnswer; outcome: null }
  | { answer: null; outcome: Final }
)

/** As much of the ledger as a batch of commands needs: what is not in it does not exist. */
export interface LedgerState {
  accounts: Map<string, Account>
  /** By `holdKeyOf`. */
  holds: Map<string, Hold>
  /** By `keyName`. */
  keys: Map<string, RememberedKey>
  /** By `referenceName`. */
  references: Set<string>
  /** Earlier transfers that corrections of the batch name, by `transferName`. */
  originals: Map<string, Original>
  /** Transfers of the batch itself, by `transferName`, which later commands may correct. */
  posted: Map<string, Transfer>
  /** Postings of PSPs that were booked before or in the batch, by `pspPostingName`. */
  pspPostings: Map<string, BookedPosting>
  /** What clients have spent where their policies limit it, by `nameOfSpending`. */
  spending: Map<string, Spending>
  /** Wallets' accounts that the batch has opened, until an outcome reports them. */
  opened: Map<string, OpenedAccount>
}

/** A state in which nothing exists. */
export function emptyLedger(): LedgerState {
  return {
    accounts: new Map(),
    holds: new Map(),
    keys: new Map(),
    references: new Set(),
    originals: new Map(),
    posted: new Map(),
    pspPostings: new Map(),
    spending: new Map(),
    opened: new Map(),
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

/** Spending is counted by tenant, client and currency. */
export function nameOfSpending(of: Pick<Spending, 'tenantId' | 'clientId' | 'currency'>): string {
  return of.tenantId + SEPARATOR + of.clientId + SEPARATOR + of.currency
}

/** Transfers are a tenant's own. */
export function transferName(tenantId: string, transferId: string): string {
  return tenantId + SEPARATOR + transferId
}

/** Postings are a tenant's own. */
export function pspPostingName(tenantId: string, postingId: string): string {
  return tenantId + SEPARATOR + postingId
}

/** The name of a client's key; null where a hold or a reference identifies the command. */
export function nameOfKey(command: { tenantId: string; key: CommandKey }): string | null {
  const { clientId, value } = command.key
  return clientId === null ? null : keyName(command.tenantId, clientId, value)
}

/** The hold that a command names, if there is one. */
export function findHold(state: LedgerState, command: Command): Hold | undefined {
  const key = holdKeyNamedBy(command)
  return key === null ? undefined : state.holds.get(key)
}
