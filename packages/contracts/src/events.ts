import { type Static, Type } from 'typebox'
import { GATEWAY_REASONS, WALLET_REASONS } from './reasons.ts'

/** A decimal string with the currency's exponent, such as "100.50" (P7). */
const Amount = Type.String({ pattern: '^(0|[1-9][0-9]{0,18})(\\.[0-9]{1,4})?$' })
const Currency = Type.String({ pattern: '^[A-Z]{3}$' })
/** In lower case; of any version, nil and max included: some ids are chosen by others. */
const Uuid = Type.String({
  pattern:
    '^([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' +
    '|0{8}-(0{4}-){3}0{12}|f{8}-(f{4}-){3}f{12})$',
})
/** Minor units as a JSON integer, exact to 2^63-1: bigint in memory (see serialize-event.ts). */
const Minor = Type.Unsafe<bigint>(Type.Integer())
const Text = Type.String({ minLength: 1, maxLength: 255 })
const Timestamp = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$' })

const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })

/** What every event carries (P7 and the decisions table); account_id is the partition key. */
const envelope = {
  event_id: Uuid,
  timestamp: Timestamp,
  schema_version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' }),
  region: Text,
  tenant_id: Text,
  account_id: Uuid,
}

/** What is paid, to whom: the order's data, as P spells it. */
const PaymentData = Type.Object({
  amount: Amount,
  currency: Currency,
  service_name: Text,
  service_account_number: Text,
  service_bank_code: Text,
})

const ofPayment = {
  ...envelope,
  payment_id: Uuid,
  user_id: Uuid,
}

const requested = {
  ...ofPayment,
  external_order_id: Uuid,
  idempotency_key: Type.String({ minLength: 1, maxLength: 255 }),
  payment_data: PaymentData,
}

/** payments → wallets, on payments.requested (P7). */
export const PaymentRequested = Type.Object({
  ...requested,
  event_type: Type.Literal('payment.requested'),
})

/** wallets → processor and payments, on wallets.funds.reserved (P7). */
export const FundsReserved = Type.Object({
  ...requested,
  event_type: Type.Literal('funds.reserved'),
  wallet_transaction_id: Uuid,
})

/** wallets → payments, on payments.results: nothing was held (P7). */
export const FundsInsufficient = Type.Object({
  ...requested,
  event_type: Type.Literal('funds.insufficient'),
  reason: Type.Enum(WALLET_REASONS),
})

/** The PSP's answer as it came; its own codes are passed on as it spells them (P5). */
export const GatewayResponse = Type.Object({
  status: Type.String({ maxLength: 64 }),
  error_code: Type.Optional(Type.String({ maxLength: 255 })),
  message: Type.Optional(Type.String({ maxLength: 1024 })),
  gateway_transaction_id: Type.Optional(Type.String({ maxLength: 255 })),
})

const result = {
  ...ofPayment,
  amount: Amount,
  currency: Currency,
  wallet_transaction_id: Uuid,
}

/** processor → wallets and payments, on payments.results: the PSP approved (P7). */
export const PaymentCompleted = Type.Object({
  ...result,
  event_type: Type.Literal('payment.completed'),
  gateway_response: GatewayResponse,
})

/** processor → wallets and payments, on payments.results: no money moved, for certain (P7). */
export const PaymentFailed = Type.Object({
  ...result,
  event_type: Type.Enum([
    'payment.failed.gateway_error',
    'payment.failed.gateway_unreachable',
    'payment.failed.circuit_open',
  ]),
  reason: Type.Enum(GATEWAY_REASONS),
  gateway_response: GatewayResponse,
})

/** processor → payments, on payments.results: the PSP's outcome is unknown; the hold stays. */
export const PaymentInDoubt = Type.Object({
  ...result,
  event_type: Type.Literal('payment.in_doubt'),
})

/** wallets → payments, on wallets.funds.released: the held money is available again (P4). */
export const FundsReleased = Type.Object({
  ...result,
  event_type: Type.Literal('funds.released'),
  reason: Type.Enum(GATEWAY_REASONS),
})

/** payments → notifications and orders, on payments.finalized (P7). */
export const PaymentFinalized = Type.Object({
  ...ofPayment,
  event_type: Type.Literal('payment.finalized'),
  external_order_id: Uuid,
  amount: Amount,
  currency: Currency,
  service_name: Text,
  status: Type.Enum(['COMPLETED', 'FAILED']),
  reason: Type.Union([Type.Null(), Type.Enum([...WALLET_REASONS, ...GATEWAY_REASONS])]),
})

/** identity → wallets, on identity.users: open these accounts. Its key is the first account. */
export const UserCreated = Type.Object({
  ...envelope,
  event_type: Type.Literal('user.created'),
  user_id: Uuid,
  wallet_id: Uuid,
  accounts: Type.Array(Type.Object({ account_id: Uuid, currency: Currency }), {
    minItems: 1,
    maxItems: 32,
  }),
})

const LEDGER_EVENT_TYPES = [
  'wallet.credit.committed',
  'wallet.debit.committed',
  'wallet.hold.committed',
  'wallet.commit.committed',
  'wallet.rollback.committed',
  'wallet.transfer.committed',
] as const

/** Any minor units as a decimal string: no reader's numbers are too small for it. */
const MinorText = Type.String({ pattern: '^(0|-?[1-9][0-9]*)$' })
const Version = Type.Integer({ minimum: 1 })

/** A line of a transfer; its place in the list is its line, from 0. */
const EventEntry = Type.Object({
  account_id: Uuid,
  balance: Type.Enum(['available', 'held']),
  amount_minor: MinorText,
  balance_after_minor: MinorText,
  account_version: Version,
})

/** The hold that a transfer made or took from, as it stands afterwards. */
const EventHold = Type.Object({
  hold_id: Uuid,
  status: Type.Enum(['open', 'committed', 'released']),
  amount_minor: MinorText,
  remaining_minor: MinorText,
  expires_at: Type.Optional(Timestamp),
})

const ofLedger = {
  event_id: Uuid,
  /** When it was booked. */
  occurred_at: Timestamp,
  schema_version: envelope.schema_version,
  region: Text,
  tenant_id: Text,
  account_id: Uuid,
}

/**
 * wallets → whoever follows the ledger, on wallets.ledger: F's outbox event (F3), with everything
 * that the transfer changed, so that the ledger can be rebuilt from these.
 */
export const WalletTransferCommitted = Type.Object({
  ...ofLedger,
  event_type: Type.Enum(LEDGER_EVENT_TYPES),
  transfer_id: Uuid,
  amount_minor: Minor,
  currency: Currency,
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
  payment_id: Type.Optional(Uuid),
  /** The earlier transfer that this one sets right. */
  corrects: Type.Optional(Uuid),
})

const ofAccount = {
  ...ofLedger,
  currency: Currency,
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
  wallet_id: Type.Optional(Uuid),
  user_id: Type.Optional(Uuid),
  stripe: Type.Optional(Type.Integer({ minimum: 0 })),
})

/** On wallets.ledger: an account was frozen, unfrozen, closed, or got another overdraft limit. */
export const WalletAccountChanged = Type.Object({
  ...ofAccount,
  event_type: Type.Literal('wallet.account.changed.committed'),
  change: Type.Enum(['freeze', 'unfreeze', 'close', 'overdraft']),
  change_id: Uuid,
  client_id: Text,
  reference_id: Text,
  idempotency_key: Text,
  reason: Text,
})

export type GatewayResponse = Static<typeof GatewayResponse>
export type PaymentRequested = Static<typeof PaymentRequested>
export type FundsReserved = Static<typeof FundsReserved>
export type FundsInsufficient = Static<typeof FundsInsufficient>
export type PaymentCompleted = Static<typeof PaymentCompleted>
export type PaymentFailed = Static<typeof PaymentFailed>
export type PaymentInDoubt = Static<typeof PaymentInDoubt>
export type FundsReleased = Static<typeof FundsReleased>
export type PaymentFinalized = Static<typeof PaymentFinalized>
export type UserCreated = Static<typeof UserCreated>
export type WalletTransferCommitted = Static<typeof WalletTransferCommitted>
export type WalletAccountOpened = Static<typeof WalletAccountOpened>
export type WalletAccountChanged = Static<typeof WalletAccountChanged>

/** Every event of the system. */
export type CaudalEvent =
  | PaymentRequested
  | FundsReserved
  | FundsInsufficient
  | PaymentCompleted
  | PaymentFailed
  | PaymentInDoubt
  | FundsReleased
  | PaymentFinalized
  | UserCreated
  | WalletTransferCommitted
  | WalletAccountOpened
  | WalletAccountChanged
