import { Type } from 'typebox'
import { ActorSchema } from '../actor.ts'
import { PSP_PATTERN } from '../psp.ts'

/** A decimal string with the currency's exponent, such as "100.50" (P7). */
export const EventAmount = Type.String({ pattern: '^(0|[1-9][0-9]{0,18})(\\.[0-9]{1,4})?$' })
export const EventCurrency = Type.String({ pattern: '^[A-Z]{3}$' })
/** In lower case; of any version, nil and max included: clients choose some ids. */
export const EventUuid = Type.String({
  pattern:
    '^([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' +
    '|0{8}-(0{4}-){3}0{12}|f{8}-(f{4}-){3}f{12})$',
})
/** Minor units as a JSON integer, exact to 2^63-1: bigint in memory (see serialize-event.ts). */
export const Minor = Type.Unsafe<bigint>(Type.Integer())
/** Any minor units as a decimal string, which every JSON reader keeps exactly. */
export const MinorText = Type.String({ pattern: '^(0|-?[1-9][0-9]*)$' })
/** The configured name of a PSP, such as "main" (ADR 0019). */
export const Psp = Type.String({ pattern: PSP_PATTERN })
export const Text = Type.String({ minLength: 1, maxLength: 255 })
export const Timestamp = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$',
})
export const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })

/** The members of every event, whatever its partition key. */
export const identification = {
  event_id: EventUuid,
  schema_version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' }),
  region: Text,
  tenant_id: Text,
  actor: ActorSchema,
}

/** The envelope of an event whose partition key is the wallet's account (ADR 0001). */
export const envelope = {
  ...identification,
  timestamp: Timestamp,
  account_id: EventUuid,
}

/** The envelope of a payment's event. */
export const ofPayment = {
  ...envelope,
  payment_id: EventUuid,
  user_id: EventUuid,
}

/** The order that is paid, as the order service describes it. */
const PaymentData = Type.Object({
  amount: EventAmount,
  currency: EventCurrency,
  service_name: Text,
  service_account_number: Text,
  service_bank_code: Text,
})

/** A request to pay, and the events that repeat it. */
export const ofRequest = {
  ...ofPayment,
  external_order_id: EventUuid,
  idempotency_key: Type.String({ minLength: 1, maxLength: 255 }),
  payment_data: PaymentData,
}

/** The result of a payment's step after the hold. */
export const ofResult = {
  ...ofPayment,
  amount: EventAmount,
  currency: EventCurrency,
  wallet_transaction_id: EventUuid,
}
