import { Currency } from '@caudal/contracts/currency-schema.ts'
import { TimeOrDay } from '@caudal/contracts/time-schemas.ts'
import { pageQuery } from '@caudal/http/page.ts'
import { type Static, Type } from 'typebox'
import { SYSTEM_ACCOUNT_KINDS } from '../ledger/domain/account.ts'

const Id = Type.String({ format: 'uuid' })
const Time = Type.String({ format: 'date-time' })
const Day = Type.String({ format: 'date' })
const Nullable = <T extends ReturnType<typeof Type.String>>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** An integer of minor units, exact, signed where it can be either. */
const Amount = Type.Object({
  minor_units: Type.Integer({ description: 'Exact; a balance or a sum may be beyond 64 bits.' }),
  currency: Type.String(),
})
const SettlementPsp = Type.Union([Type.String(), Type.Null()], {
  description: 'Of a settlement account: the PSP that it is settled with.',
})
const balances = { available: Amount, held: Amount }
const Kind = Type.Enum(['wallet', ...SYSTEM_ACCOUNT_KINDS])

export const AccountAnswer = Type.Object({
  account_id: Id,
  kind: Kind,
  status: Type.Enum(['open', 'frozen', 'closed']),
  currency: Type.String(),
  wallet_id: Nullable(Id),
  user_id: Nullable(Id),
  stripe: Type.Union([Type.Integer(), Type.Null()], { description: 'Of a system account.' }),
  psp: SettlementPsp,
  ...balances,
  overdraft: Type.Object({
    rule: Type.Enum(['never', 'limit', 'unlimited']),
    limit: Type.Union([Amount, Type.Null()]),
  }),
  version: Type.Integer({ description: 'Counts the transfers that touched it, without a gap.' }),
  opened_at: Time,
})

export const SystemAccountAnswer = Type.Object({
  kind: Kind,
  psp: SettlementPsp,
  currency: Type.String(),
  ...balances,
  stripes: Type.Integer(),
})

export const BalanceAnswer = Type.Object({
  account_id: Id,
  by: Type.Enum(['booking', 'value']),
  as_of: Type.String({ description: 'A time in UTC, or by value a day.' }),
  ...balances,
  version: Type.Integer({ description: 'The last one booked by then.' }),
})

const Line = Type.Object({
  entry_id: Id,
  transfer_id: Id,
  kind: Type.String(),
  reference_id: Type.String(),
  reason: Type.String(),
  payment_id: Nullable(Id),
  hold_id: Nullable(Id),
  balance: Type.Enum(['available', 'held']),
  amount: Amount,
  balance_before: Amount,
  balance_after: Amount,
  version: Type.Integer(),
  value_date: Day,
  booked_at: Time,
})

export const StatementAnswer = Type.Object({
  account_id: Id,
  currency: Type.String(),
  by: Type.Enum(['booking', 'value']),
  opening: Type.Object(balances),
  data: Type.Array(Line),
  closing: Type.Object(balances),
  has_more: Type.Boolean(),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
})

export const HoldAnswer = Type.Object({
  hold_id: Id,
  payment_id: Nullable(Id),
  account_id: Id,
  status: Type.Enum(['open', 'committed', 'released', 'refused']),
  refused_for: Nullable(Type.String()),
  amount: Amount,
  remaining: Amount,
  created_at: Time,
  changed_at: Time,
  expires_at: Nullable(Time),
})

export const TransferSummaryAnswer = Type.Object({
  transfer_id: Id,
  kind: Type.String(),
  reference_id: Type.String(),
  reason: Type.String(),
  client_id: Nullable(Type.String()),
  account_id: Id,
  amount: Amount,
  payment_id: Nullable(Id),
  hold_id: Nullable(Id),
  value_date: Day,
  booked_at: Time,
  corrects: Nullable(Id),
})

export const TransferAnswer = Type.Object({
  transfer_id: Id,
  kind: Type.String(),
  reference_id: Type.String(),
  reason: Type.String(),
  client_id: Nullable(Type.String()),
  payment_id: Nullable(Id),
  hold_id: Nullable(Id),
  value_date: Day,
  booked_at: Time,
  corrects: Nullable(Id),
  correction: Type.Union([Type.Enum(['bounded', 'reclassified']), Type.Null()], {
    description: 'Of a correction: whether it moves accounts of the original only, or others too.',
  }),
  policy_version: Nullable(
    Type.String({ description: "The version of the client's policy that permitted it." }),
  ),
  corrected_by: Type.Array(Id),
  entries: Type.Array(
    Type.Object({
      entry_id: Id,
      account_id: Id,
      account_kind: Kind,
      balance: Type.Enum(['available', 'held']),
      amount: Amount,
      balance_before: Amount,
      balance_after: Amount,
      version: Type.Integer(),
    }),
  ),
})

export const TrialBalanceAnswer = Type.Object({
  by: Type.Enum(['booking', 'value']),
  as_of: Type.Union([Type.String(), Type.Null()]),
  data: Type.Array(
    Type.Object({
      currency: Type.String(),
      accounts: Type.Array(
        Type.Object({
          kind: Kind,
          accounts: Type.Integer(),
          ...balances,
          debit: Amount,
          credit: Amount,
        }),
      ),
      debit: Amount,
      credit: Amount,
      total: Type.Object(Amount.properties, { description: 'Credit less debit: always zero.' }),
    }),
  ),
})

const By = Type.Enum(['booking', 'value'], {
  default: 'booking',
  description: 'Which date counts: when it was booked, or its value date.',
})
export const AsOfQuery = Type.Object({
  by: By,
  as_of: Type.Optional(TimeOrDay),
})
export const StatementQuery = Type.Object({
  by: By,
  from: Type.Optional(TimeOrDay),
  to: Type.Optional(TimeOrDay),
  ...pageQuery.properties,
})
export const TrialBalanceQuery = Type.Object({
  ...AsOfQuery.properties,
  currency: Type.Optional(Currency),
})

export type AsOfQuery = Static<typeof AsOfQuery>
export type StatementQuery = Static<typeof StatementQuery>
export type TrialBalanceQuery = Static<typeof TrialBalanceQuery>
