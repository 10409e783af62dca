import type { Actor } from '@caudal/contracts/actor.ts'
import type {
  PostingEnd,
  PostingKindOfEvents,
  PostingSource,
} from '@caudal/contracts/events/postings.ts'
import type { TransferKind } from '@caudal/contracts/transfer-kinds.ts'
import type { SystemAccountKind } from './account.ts'
import type { WalletAccount } from './opening.ts'
import type { ClientPolicy } from './policy.ts'
import type { Rights } from './rights.ts'

/**
 * The idempotency key, which names the operation (F2). Keys of clients are kept with their answer;
 * a payment's own hold is its key, for ever (rule 4). Postings that no client sent have the key
 * `kind:reference`, and their reference is theirs for ever, as that of a client's command is.
 */
export interface CommandKey {
  /** The client that chose the key; null for a command that no client sent. */
  clientId: string | null
  value: string
  /** Equal for equal requests only: 64 hexadecimal digits. */
  fingerprint: string
}

/** What a command that moves money comes from: a client, a payment, or the end of a hold's time. */
export interface Source {
  type: 'client' | 'payment' | 'expiry'
  /** Of the client, the payment or the hold. */
  id: string
}

/** An event about something else than a payment, such as a deposit, with its business id. */
export interface EventSource {
  type: 'event'
  id: string
}

interface CommandBase {
  tenantId: string
  /** Who caused it. */
  actor: Actor
  /**
   * Of postings the account of the first one, which gives the command its lane; of a system account
   * its slot 0, since the writer has not chosen one yet.
   */
  accountId: string
  /** The id of the transfer or the change if one is made; see `transferIdFrom`. */
  transferId: string
  key: CommandKey
  referenceId: string
  reason: string
}

interface MoneyBase<S = Source> extends CommandBase {
  source: S
  rights: Rights
  /** What its client may do; null without a policy, and for what no client sent. */
  policy: ClientPolicy | null
  /** `YYYY-MM-DD`; null takes the day of booking (E4). */
  valueDate: string | null
}

/** The kind that sets money aside. */
export type HoldKind = 'hold'
/** The kinds that take from a hold. */
export type TakeKind = 'commit' | 'rollback'
/** The kinds that move money between a PSP's settlement account and another end, by events only. */
export type PspPostingKind = PostingKindOfEvents
/** Every other kind: it moves available balances. */
export type PostingKind = Exclude<TransferKind, HoldKind | TakeKind | PspPostingKind>
/** The kinds that clients may send. */
export type ClientKind = Exclude<TransferKind, PspPostingKind>

/**
 * What a command does to one available balance: it grows, or shrinks. Never zero. The account is
 * named by its id, or as the system's own of a kind; the writer chooses its slot, and it is opened
 * when first needed.
 */
export type RequestedPosting = { currency: string; amountMinor: bigint } & (
  | { accountId: string; system: null }
  | { accountId: null; system: SystemAccountKind }
)

/** Any balanced set of postings, each account in it once. */
export interface PostingsCommand extends MoneyBase<Source | EventSource> {
  kind: PostingKind
  postings: readonly RequestedPosting[]
  /** The earlier transfer that this one sets right. */
  correctsId: string | null
}

/** Money set aside: available → held. */
export interface HoldCommand extends MoneyBase {
  kind: HoldKind
  amountMinor: bigint
  currency: string
  /** How long it lasts; null is until it is committed or rolled back. Never of a payment's. */
  expiresInSeconds: number | null
}

/** Held money leaves for PSP settlement, or is released: all of it unless an amount is given. */
export interface TakeCommand extends MoneyBase {
  kind: TakeKind
  holdId: string
  amountMinor: bigint | null
  currency: string | null
  /** Of a commit: the PSP whose settlement account takes the money; null is the default one. */
  psp: string | null
  /** Of a commit: whether what is left of the hold becomes available again. */
  releaseRest: boolean
}

/**
 * Money that came back to a PSP, or left it again: between its settlement account and one other
 * end. Its posting names it for ever; the ledger chooses the end that can take part.
 */
export interface PspPostingCommand extends MoneyBase<PostingSource> {
  kind: PspPostingKind
  postingId: string
  paymentId: string | null
  amountMinor: bigint
  /** What of the amount did not reach the settlement account, since the bank kept it. */
  chargesMinor: bigint
  currency: string
  /** The PSP of the settlement account. */
  psp: string
  /** The end that is wanted. */
  end: PostingEnd
  /** The end where the wallet cannot take part. */
  otherwise: Exclude<PostingEnd, 'wallet'>
}

/** A command that moves money, and makes a transfer: of a kind, for a reason, from a source. */
export type MoneyCommand = PostingsCommand | HoldCommand | TakeCommand | PspPostingCommand

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

/** What the ledger can be asked to do (F1). */
export type Command = MoneyCommand | AccountCommand

/** Commands of which all take effect, or none. The key is the one of all. */
export interface AtomicBatch {
  kind: 'atomic'
  tenantId: string
  actor: Actor
  key: CommandKey
  commands: readonly Command[]
}

/** Accounts of a wallet that are to exist; those that do stay as they are. */
export interface OpenCommand {
  kind: 'open'
  tenantId: string
  actor: Actor
  key: CommandKey
  accounts: readonly WalletAccount[]
}

/** What a batch is made of. */
export type Request = Command | AtomicBatch | OpenCommand

/** The commands of a request, in order; none of one that only opens accounts. */
export function commandsOf(request: Request): readonly Command[] {
  if (request.kind === 'atomic') return request.commands
  return request.kind === 'open' ? [] : [request]
}

/** Whether the command is a set of postings on available balances. */
export function isPostings(command: Command): command is PostingsCommand {
  return 'postings' in command
}

/** Whether the command moves money between a PSP's settlement account and another end. */
export function isPspPosting(command: Command): command is PspPostingCommand {
  return 'postingId' in command
}

/**
 * Whether the command takes its reference for ever (F2, rule 4): of a client, and postings of
 * whatever source. The other commands are known by their hold or their posting.
 */
export function takesReference(command: Command): boolean {
  return command.key.clientId !== null || isPostings(command)
}

/** The payment that the command comes from or is about, if there is one. */
export function paymentOf(command: Command): string | null {
  if (isPspPosting(command)) return command.paymentId
  return 'source' in command && command.source.type === 'payment' ? command.source.id : null
}

/** The key (`holdKeyOf`) of the hold that the command is about, which need not exist yet. */
export function holdKeyNamedBy(command: Command): string | null {
  switch (command.kind) {
    case 'hold':
      return paymentOf(command)
    case 'commit':
    case 'rollback':
      return paymentOf(command) ?? command.holdId
    default:
      return null
  }
}
