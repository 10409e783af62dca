/**
 * The key that names the operation (F2). Keys of internal clients are remembered with their answer;
 * a payment's own hold is its key, for ever (rule 4).
 */
export interface CommandKey {
  /** Who chose the key; null when the command comes from a payment's event. */
  clientId: string | null
  value: string
  /** Equal for equal requests only: 64 hexadecimal digits. */
  fingerprint: string
}

interface CommandBase {
  tenantId: string
  accountId: string
  /** The id of the transfer if one is made; see `transferIdFrom`. */
  transferId: string
  key: CommandKey
  referenceId: string
  reason: string
  /** Which stripe of a system account takes the other side. */
  stripe: number
  /** `YYYY-MM-DD`; null takes the day of booking (E4). */
  valueDate: string | null
}

/** Money from deposit clearing into the wallet. */
export interface CreditCommand extends CommandBase {
  kind: 'credit'
  amountMinor: bigint
  currency: string
}

/** Money from the wallet into payout clearing. */
export interface DebitCommand extends CommandBase {
  kind: 'debit'
  amountMinor: bigint
  currency: string
}

/** Money set aside: available → held. */
export interface HoldCommand extends CommandBase {
  kind: 'hold'
  amountMinor: bigint
  currency: string
  paymentId: string | null
}

/** Which hold is meant: the one of a payment, or the one with this id. */
export type HoldName =
  | { by: 'payment'; paymentId: string; holdId: string }
  | { by: 'id'; holdId: string }

/** Held money leaves for PSP settlement; all that remains when no amount is said. */
export interface CommitCommand extends CommandBase {
  kind: 'commit'
  hold: HoldName
  amountMinor: bigint | null
  currency: string | null
}

/** Held money becomes available again: all that remains. */
export interface RollbackCommand extends CommandBase {
  kind: 'rollback'
  hold: HoldName
  amountMinor: bigint | null
  currency: string | null
}

/** What the ledger can be told to do (F1). */
export type Command = CreditCommand | DebitCommand | HoldCommand | CommitCommand | RollbackCommand

/** The payment that the command is about, if it is about one. */
export function paymentOf(command: Command): string | null {
  switch (command.kind) {
    case 'credit':
    case 'debit':
      return null
    case 'hold':
      return command.paymentId
    case 'commit':
    case 'rollback':
      return command.hold.by === 'payment' ? command.hold.paymentId : null
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
