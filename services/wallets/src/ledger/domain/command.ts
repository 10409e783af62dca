import type { SystemAccount } from './account.ts'

/**
 * The key that names the operation (F2). Keys of internal clients are remembered with their answer;
 * a payment's own hold is its key, for ever (rule 4).
 */
export interface CommandKey {
  /** Who chose the key; null when no client did: a payment's event, or the end of a hold's time. */
  clientId: string | null
  value: string
  /** Equal for equal requests only: 64 hexadecimal digits. */
  fingerprint: string
}

interface CommandBase {
  tenantId: string
  /** Of a transfer it is the account of the first posting. */
  accountId: string
  /** The id of the transfer or the change if one is made; see `transferIdFrom`. */
  transferId: string
  key: CommandKey
  referenceId: string
  reason: string
}

interface MoneyBase extends CommandBase {
  /** Which stripe of a system account takes the other side. */
  stripe: number
  /** `YYYY-MM-DD`; null takes the day of booking (E4). */
  valueDate: string | null
}

/** Money from deposit clearing into the wallet. */
export interface CreditCommand extends MoneyBase {
  kind: 'credit'
  amountMinor: bigint
  currency: string
}

/** Money from the wallet into payout clearing. */
export interface DebitCommand extends MoneyBase {
  kind: 'debit'
  amountMinor: bigint
  currency: string
}

/** Money set aside: available → held. */
export interface HoldCommand extends MoneyBase {
  kind: 'hold'
  amountMinor: bigint
  currency: string
  paymentId: string | null
  /** How long it lasts; null is until it is committed or rolled back. Never of a payment's. */
  expiresInSeconds: number | null
}

/** Which hold is meant: a payment's, the one with this id, or that one because its time is over. */
export type HoldName =
  | { by: 'payment'; paymentId: string; holdId: string }
  | { by: 'id' | 'expiry'; holdId: string }

/** Held money leaves for PSP settlement; all that remains when no amount is said. */
export interface CommitCommand extends MoneyBase {
  kind: 'commit'
  hold: HoldName
  amountMinor: bigint | null
  currency: string | null
  /** Whether what is left of the hold becomes available again. */
  releaseRest: boolean
}

/** Held money becomes available again: all that remains when no amount is said. */
export interface RollbackCommand extends MoneyBase {
  kind: 'rollback'
  hold: HoldName
  amountMinor: bigint | null
  currency: string | null
}

/** What a transfer does to one account: its available balance grows, or shrinks. Never zero. */
export interface RequestedPosting {
  accountId: string
  currency: string
  amountMinor: bigint
  /** The account of the system that was meant; it is opened when first needed. */
  system: SystemAccount | null
}

/** Any balanced set of postings, each account in it once. */
export interface TransferCommand extends MoneyBase {
  kind: 'transfer'
  postings: readonly RequestedPosting[]
  /** The earlier transfer that this one sets right. */
  correctsId: string | null
}

/** An account takes no commands for a while, takes them again, or never again. */
export interface StatusCommand extends CommandBase {
  kind: 'freeze' | 'unfreeze' | 'close'
}

/** How far below zero an account may go from now on. */
export interface OverdraftCommand extends CommandBase {
  kind: 'overdraft'
  limitMinor: bigint
  currency: string
}

/** A command that changes an account itself. */
export type AccountCommand = StatusCommand | OverdraftCommand

/** A command that moves money, and makes a transfer. */
export type MoneyCommand =
  | CreditCommand
  | DebitCommand
  | HoldCommand
  | CommitCommand
  | RollbackCommand
  | TransferCommand

/** What the ledger can be told to do (F1). */
export type Command = MoneyCommand | AccountCommand

/** Commands of which all take effect, or none. The key is the one of all. */
export interface AtomicBatch {
  kind: 'atomic'
  tenantId: string
  key: CommandKey
  commands: readonly Command[]
}

/** What a batch is made of. */
export type Request = Command | AtomicBatch

/** The commands of a request, in order. */
export function commandsOf(request: Request): readonly Command[] {
  return request.kind === 'atomic' ? request.commands : [request]
}

/** The payment that the command is about, if it is about one. */
export function paymentOf(command: Command): string | null {
  switch (command.kind) {
    case 'hold':
      return command.paymentId
    case 'commit':
    case 'rollback':
      return command.hold.by === 'payment' ? command.hold.paymentId : null
    case 'credit':
    case 'debit':
    case 'transfer':
    case 'freeze':
    case 'unfreeze':
    case 'close':
    case 'overdraft':
      return null
    default:
      return command satisfies never
  }
}

/** The key (`holdKeyOf`) of the hold that the command is about, which need not exist yet. */
export function holdKeyNamedBy(command: Command): string | null {
  if (command.kind === 'commit' || command.kind === 'rollback') {
    return command.hold.by === 'payment' ? command.hold.paymentId : command.hold.holdId
  }
  return paymentOf(command)
}
