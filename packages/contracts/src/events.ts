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
] as const

/** wallets → whoever follows the ledger, on wallets.ledger: F's outbox event (F3). */
export const WalletTransferCommitted = Type.Object({
  event_id: Uuid,
  event_type: Type.Enum(LEDGER_EVENT_TYPES),
  occurred_at: Timestamp,
  schema_version: envelope.schema_version,
  region: Text,
  tenant_id: Text,
  account_id: Uuid,
  transfer_id: Uuid,
  amount_minor: Minor,
  currency: Currency,
  reference_id: Type.String({ minLength: 1, maxLength: 255 }),
  idempotency_key: Type.String({ minLength: 1, maxLength: 255 }),
  account_version: Type.Integer({ minimum: 1 }),
  available_minor: Minor,
  held_minor: Minor,
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
