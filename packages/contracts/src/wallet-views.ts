import { Type } from 'typebox'
import { Amount, CurrencyCode, Time } from './payment-views.ts'
import { Uuid } from './uuid-schema.ts'

/** The kinds of entries that users see: a closed list on the wire (ADR 0011). */
export const SHOWN_KINDS = ['credit', 'debit', 'hold', 'commit', 'rollback', 'refund'] as const

/** A user's wallet in HTTP answers, of wallets and of the gateway. */
export const WalletView = Type.Object({
  wallet_id: Uuid,
  accounts: Type.Array(
    Type.Object({ account_id: Uuid, currency: CurrencyCode, available: Amount, held: Amount }),
  ),
})

/** An entry of a user's account in HTTP answers, of wallets and of the gateway. */
export const EntryView = Type.Object({
  entry_id: Uuid,
  transfer_id: Uuid,
  kind: Type.Enum([...SHOWN_KINDS], {
    description: 'A kind of transfer that is not in this list is shown as credit or debit.',
  }),
  balance: Type.Enum(['available', 'held']),
  amount: Type.String({ description: 'Signed decimal.' }),
  balance_after: Amount,
  payment_id: Type.Union([Uuid, Type.Null()]),
  created_at: Time,
})
