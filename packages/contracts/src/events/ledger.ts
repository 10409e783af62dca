import { type Static, Type } from 'typebox'
import { eventRows, upcastTo } from '../event-row.ts'
import { TOPICS } from '../topics.ts'
import { KIND_SINCE, TRANSFER_KINDS, type TransferKind } from '../transfer-kinds.ts'
import {
  EventCurrency,
  Day,
  identification,
  Minor,
  MinorText,
  Psp,
  Text,
  Timestamp,
  EventUuid,
} from './fields.ts'
import { POSTING_ENDS, PostingSource } from './postings.ts'

/** The type of the event that reports a transfer of this kind. */
export function transferEventType<K extends TransferKind>(kind: K): `wallet.${K}.committed` {
  return `wallet.${kind}.committed`
}

const Version = Type.Integer({ minimum: 1 })

/** A line of a transfer; its place in the list is its line, from 0. */
const EventEntry = Type.Object({
  account_id: EventUuid,
  balance: Type.Enum(['available', 'held']),
  amount_minor: MinorText,
  balance_after_minor: MinorText,
  account_version: Version,
})

/** The hold that a transfer made or took from, as it stands afterwards. */
const EventHold = Type.Object({
  hold_id: EventUuid,
  status: Type.Enum(['open', 'committed', 'released']),
  amount_minor: MinorText,
  remaining_minor: MinorText,
  expires_at: Type.Optional(Timestamp),
})

/** What a transfer books for a PSP, and the end beside its settlement account. */
const EventPosting = Type.Object({
  posting_id: EventUuid,
  source: PostingSource,
  psp: Psp,
  end: Type.Enum(POSTING_ENDS),
  /** What of the amount the fees account bears. */
  charges_minor: Type.Optional(MinorText),
})

const ofLedger = {
  ...identification,
  /** Booking time. */
  occurred_at: Timestamp,
  account_id: EventUuid,
}

/**
 * A transfer was posted (F3). Carries everything that the transfer changed, so that the ledger can
 * be rebuilt from these events.
 */
export const WalletTransferCommitted = Type.Object({
  ...ofLedger,
  event_type: Type.Enum(TRANSFER_KINDS.map(transferEventType)),
  transfer_id: EventUuid,
  amount_minor: Minor,
  currency: EventCurrency,
  reference_id: Text,
  idempotency_key: Text,
  reason: Text,
  value_date: Day,
  account_version: Version,
  available_minor: Minor,
  held_minor: Minor,
  entries: Type.Array(EventEntry, { minItems: 2, maxItems: 100 }),
  hold: Type.Optional(EventHold),
  /** Absent where no client asked for it, but a payment's event or the end of a hold's time. */
  client_id: Type.Optional(Text),
  payment_id: Type.Optional(EventUuid),
  /** The earlier transfer that this one sets right. */
  corrects: Type.Optional(EventUuid),
  /**
   * How a correction was bounded: it moves accounts of the original only, or others too. Absent in
   * corrections of 0.1.0, which had no bound.
   */
  correction: Type.Optional(Type.Enum(['bounded', 'reclassified'])),
  /** The version of its client's policy that permitted it. */
  policy_version: Type.Optional(Text),
  /** Of a refund, return or recapture, which only an event asks for. */
  posting: Type.Optional(EventPosting),
})

const ofAccount = {
  ...ofLedger,
  currency: EventCurrency,
  status: Type.Enum(['open', 'frozen', 'closed']),
  /** How far below zero it may go; null is without a limit. */
  overdraft_limit_minor: Type.Union([Type.Null(), MinorText]),
  /** Counts the changes of the account itself; 0 when it is opened. */
  revision: Type.Integer({ minimum: 0 }),
}

/** On wallets.ledger: an account exists, with nothing in it. One of a user, or of the system. */
export const WalletAccountOpened = Type.Object({
  ...ofAccount,
  event_type: Type.Literal('wallet.account.opened.committed'),
  kind: Text,
  wallet_id: Type.Optional(EventUuid),
  user_id: Type.Optional(EventUuid),
  stripe: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Of a settlement account of another PSP than `main`. */
  psp: Type.Optional(Psp),
})

/** On wallets.ledger: an account was frozen, unfrozen, closed, or got another overdraft limit. */
export const WalletAccountChanged = Type.Object({
  ...ofAccount,
  event_type: Type.Literal('wallet.account.changed.committed'),
  change: Type.Enum(['freeze', 'unfreeze', 'close', 'overdraft']),
  change_id: EventUuid,
  client_id: Text,
  reference_id: Text,
  idempotency_key: Text,
  reason: Text,
})

export type WalletTransferCommitted = Static<typeof WalletTransferCommitted>
export type WalletAccountOpened = Static<typeof WalletAccountOpened>
export type WalletAccountChanged = Static<typeof WalletAccountChanged>

const common = {
  topic: TOPICS.ledger,
  key: 'account_id',
  owner: 'wallets',
  consumers: [],
  version: '1.1.0',
  since: '0.1.0',
  upcasts: [upcastTo.byClient],
} as const

function transferRow(kind: TransferKind) {
  const description = `A transfer of kind \`${kind}\` was posted.`
  const row = { schema: WalletTransferCommitted, description, ...common }
  return { ...row, version: '1.1.2', since: KIND_SINCE[kind] } as const
}

type TransferEvents = Record<`wallet.${TransferKind}.committed`, ReturnType<typeof transferRow>>

/** The events of the ledger: one row for each type; every kind of transfer has one. */
export const ledgerEvents = eventRows({
  ...(Object.fromEntries(
    TRANSFER_KINDS.map((kind) => [transferEventType(kind), transferRow(kind)]),
  ) as TransferEvents),
  'wallet.account.opened.committed': {
    schema: WalletAccountOpened,
    description: 'An account was opened, with nothing in it.',
    ...common,
    version: '1.1.1',
    upcasts: [upcastTo.bySystem],
  },
  'wallet.account.changed.committed': {
    schema: WalletAccountChanged,
    description: 'An account was frozen, unfrozen or closed, or its overdraft limit changed.',
    ...common,
  },
})
