import { SCOPE, type Scope } from '@caudal/contracts/scopes.ts'
import { TRANSFER_KINDS, type TransferKind } from '@caudal/contracts/transfer-kinds.ts'
import type { SystemAccountKind } from './account.ts'
import type {
  ClientKind,
  HoldKind,
  MoneyCommand,
  PostingKind,
  PspPostingKind,
  RequestedPosting,
  TakeKind,
} from './command.ts'
import type { Conditions } from './conditions.ts'
import { decideHold } from './decide-hold.ts'
import { decidePostings } from './decide-postings.ts'
import { decidePspPosting } from './decide-psp-posting.ts'
import { decideTaking } from './decide-taking.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Outcome } from './outcome.ts'

/** One end of a movement: the account that the command names, or one of the system's. */
type End = 'account' | SystemAccountKind

interface AnyKind {
  /** Method, so that each row takes the command of its own form. */
  decide(command: MoneyCommand, state: LedgerState, at: Conditions): Outcome
}

interface OfClients extends AnyKind {
  /** What a client's token must allow for a command of this kind. */
  scope: Scope
}

/** Moves an amount between a wallet's available balance and an account of the system. */
export interface AmountKind extends OfClients {
  form: 'amount'
  from: End
  to: End
}

/** Moves whatever balanced postings the command names. */
export interface PostingsKind extends OfClients {
  form: 'postings'
}

/** Sets money aside, or takes from what was set aside. */
export interface HoldingKind extends OfClients {
  form: 'hold' | 'commit' | 'rollback'
}

/** Moves an amount from or to the settlement account of a PSP; only an event asks for it. */
export interface PspPostingKindRow extends AnyKind {
  form: 'psp_posting'
  /** Whether the other end gets the amount, or gives it. */
  otherEnd: 'gets' | 'gives'
}

type KindRow<K extends TransferKind> = K extends HoldKind | TakeKind
  ? HoldingKind
  : K extends PspPostingKind
    ? PspPostingKindRow
    : AmountKind | PostingsKind

/**
 * THE TABLE OF KINDS: one row for each kind of transfer. Routes, schemas, refusals, metrics and the
 * checks of `caudal verify` derive from it. A new kind is a row in `KIND_SINCE` and one here.
 */
export const KINDS: { readonly [K in TransferKind]: KindRow<K> } = {
  credit: amountKind({
    scope: SCOPE.ledgerCredit,
    from: 'deposits_clearing',
    to: 'account',
  }),
  debit: amountKind({
    scope: SCOPE.ledgerDebit,
    from: 'account',
    to: 'payouts_clearing',
  }),
  hold: { form: 'hold', scope: SCOPE.ledgerHold, decide: decideHold },
  commit: { form: 'commit', scope: SCOPE.ledgerHold, decide: decideTaking },
  rollback: { form: 'rollback', scope: SCOPE.ledgerHold, decide: decideTaking },
  transfer: {
    form: 'postings',
    scope: SCOPE.ledgerTransfer,
    decide: (command, state, at) => decidePostings(command, state, at, { ofWallets: false }),
  },
  refund: pspPostingKind('gets'),
  return: pspPostingKind('gets'),
  recapture: pspPostingKind('gives'),
}

/** The kinds that clients may send, in the order of their rows. */
export const CLIENT_KINDS: readonly ClientKind[] = TRANSFER_KINDS.filter(isOfClients)

function isOfClients(kind: TransferKind): kind is ClientKind {
  return KINDS[kind].form !== 'psp_posting'
}

/** The kinds that move an amount, with their two ends. */
export function amountKinds(): { kind: PostingKind; row: AmountKind }[] {
  const found: { kind: PostingKind; row: AmountKind }[] = []
  for (const kind of CLIENT_KINDS) {
    if (kind === 'hold' || kind === 'commit' || kind === 'rollback') continue
    const row = KINDS[kind]
    if (row.form === 'amount') found.push({ kind, row })
  }
  return found
}

/** The kinds that only events ask for, with what they do to the other end. */
export function pspPostingKinds(): { kind: TransferKind; row: PspPostingKindRow }[] {
  const found: { kind: TransferKind; row: PspPostingKindRow }[] = []
  for (const kind of TRANSFER_KINDS) {
    const row = KINDS[kind]
    if (row.form === 'psp_posting') found.push({ kind, row })
  }
  return found
}

/** The postings of an amount on an account: from one end to the other. */
export function postingsOf(
  { from, to }: AmountKind,
  {
    accountId,
    amountMinor,
    currency,
  }: { accountId: string; amountMinor: bigint; currency: string },
): RequestedPosting[] {
  const posting = (end: End, minor: bigint): RequestedPosting =>
    end === 'account'
      ? { accountId, system: null, currency, amountMinor: minor }
      : { accountId: null, system: end, currency, amountMinor: minor }
  return [posting(from, -amountMinor), posting(to, amountMinor)]
}

function amountKind(row: Pick<AmountKind, 'scope' | 'from' | 'to'>): AmountKind {
  return {
    form: 'amount',
    ...row,
    decide: (command, state, at) => decidePostings(command, state, at, { ofWallets: true }),
  }
}

function pspPostingKind(otherEnd: PspPostingKindRow['otherEnd']): PspPostingKindRow {
  return {
    form: 'psp_posting',
    otherEnd,
    decide: (command, state, at) => decidePspPosting(command, state, at, { otherEnd }),
  }
}
