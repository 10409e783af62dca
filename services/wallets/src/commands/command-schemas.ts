import { Currency } from '@caudal/contracts/currency-schema.ts'
import { ValueDate } from '@caudal/contracts/time-schemas.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { MAX_MINOR } from '@caudal/money/parse-amount.ts'
import { type Static, type TObject, Type } from 'typebox'
import { SYSTEM_ACCOUNT_KINDS } from '../ledger/domain/account.ts'
import type { ClientKind } from '../ledger/domain/command.ts'
import { CLIENT_KINDS, KINDS } from '../ledger/domain/kinds.ts'

/** Text that a person chose: no control characters, which PostgreSQL or a log might choke on. */
const Text = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: '1 to 255 characters, none of them a control character',
})
/** The longest hold: 366 days. */
const LONGEST_HOLD_SECONDS = 366n * 24n * 60n * 60n

const AccountId = Type.String({ minLength: 1, maxLength: 255 })
const DIGITS_ONLY = { description: 'Written with digits only: 5, not 5.0.' }

/** An integer of minor units, exact to 2^63-1. */
function amountFrom(minimum: bigint) {
  return Type.Object({
    minor_units: Type.BigInt({ minimum, maximum: MAX_MINOR, ...DIGITS_ONLY }),
    currency: Currency,
  })
}
const Amount = amountFrom(1n)
const SignedAmount = amountFrom(-MAX_MINOR)
const Limit = amountFrom(0n)

const named = { reason: Text, reference_id: Text }
const dated = { ...named, value_date: Type.Optional(ValueDate) }

/** The body of every kind that moves an amount (F1). */
export const MoveBody = Type.Object({ account_id: AccountId, amount: Amount, ...dated })

/** The body of hold; without an end it lasts until it is committed or rolled back. */
export const HoldBody = Type.Object({
  ...MoveBody.properties,
  expires_in_seconds: Type.Optional(
    Type.BigInt({ minimum: 1n, maximum: LONGEST_HOLD_SECONDS, description: 'At most 366 days.' }),
  ),
})

/** The body of rollback: without an amount, all that is left of the hold. */
export const RollbackBody = Type.Object({
  account_id: AccountId,
  hold_id: Uuid,
  amount: Type.Optional(Amount),
  ...dated,
})

/** The body of commit: the same, and whether what is left becomes available again. */
export const CommitBody = Type.Object({
  ...RollbackBody.properties,
  release_rest: Type.Optional(Type.Boolean()),
})

const Posting = Type.Object(
  {
    account_id: Type.Optional(AccountId),
    system_account: Type.Optional(Type.Enum([...SYSTEM_ACCOUNT_KINDS])),
    amount: SignedAmount,
  },
  { description: 'A signed amount on either an account_id or a system_account.' },
)

/** The body of a transfer: signed amounts that sum to zero in each currency. */
export const TransferBody = Type.Object({
  postings: Type.Array(Posting, { minItems: 2, maxItems: 100 }),
  corrects: Type.Optional(Uuid),
  ...dated,
})

const NotZero = Type.Object({
  ...SignedAmount.properties,
  minor_units: Type.BigInt({ ...SignedAmount.properties.minor_units, not: { const: 0 } }),
})

/** The same with what the handler checks: each posting is on one account, and not of 0. */
const ReadTransferBody = Type.Object({
  ...TransferBody.properties,
  postings: Type.Array(
    Type.Union([
      Type.Object({ account_id: AccountId, amount: NotZero }),
      Type.Object({ system_account: Type.Enum([...SYSTEM_ACCOUNT_KINDS]), amount: NotZero }),
    ]),
    { minItems: 2, maxItems: 100 },
  ),
})

/** The body of freeze, unfreeze and close. */
export const StatusBody = Type.Object(named)

/** How far below zero the account may go from now on; 0 is not at all. */
export const OverdraftBody = Type.Object({ limit: Limit, ...named })

export type MoveBody = Static<typeof MoveBody>
export type HoldBody = Static<typeof HoldBody>
export type RollbackBody = Static<typeof RollbackBody>
export type CommitBody = Static<typeof CommitBody>
export type TransferBody = Static<typeof TransferBody>
export type StatusBody = Static<typeof StatusBody>
export type OverdraftBody = Static<typeof OverdraftBody>
export type Money = Static<typeof Amount>

const KEY_OF_ITEM =
  '1 to 255 visible ASCII characters; required, except in an atomic batch, where there is none.'

/** One command of a batch: the body of its own route with its kind and its key. */
function batched<K extends string>(command: K, body: TObject) {
  return Type.Object({
    command: Type.Literal(command),
    idempotency_key: Type.Optional(Type.String({ description: KEY_OF_ITEM })),
    ...body.properties,
  })
}

const BODIES = {
  amount: MoveBody,
  hold: HoldBody,
  commit: CommitBody,
  rollback: RollbackBody,
  postings: TransferBody,
} as const

/** The body of a kind of transfer, by its form. */
export function bodyOf(kind: ClientKind): TObject {
  return BODIES[KINDS[kind].form]
}

/** The same, with what its handler checks. */
export function readBodyOf(kind: ClientKind): TObject {
  const { form } = KINDS[kind]
  return form === 'postings' ? ReadTransferBody : BODIES[form]
}

/** The commands that a batch may have, by their kinds. */
export const BatchedCommands: Record<string, TObject> = Object.fromEntries(
  CLIENT_KINDS.map((kind) => [kind, batched(kind, bodyOf(kind))]),
)

const batch = {
  atomic: Type.Optional(Type.Boolean({ description: 'All of them or none.' })),
}
const sizes = { minItems: 1, maxItems: 1_000 }

/** A batch: each command for itself, or all of them or none. Each is read by itself. */
export const BatchBody = Type.Object({ ...batch, commands: Type.Array(Type.Unknown(), sizes) })

/** The same, with what is read of the commands. */
export const ReadBatchBody = Type.Object({
  ...batch,
  commands: Type.Array(
    Type.Union(CLIENT_KINDS.map((kind) => batched(kind, readBodyOf(kind)))),
    sizes,
  ),
})

/** The answer to a command, with what belongs to some kinds only. */
export const PostedAnswer = Type.Object({
  status: Type.Literal('committed'),
  entry_id: Type.String(),
  hold_id: Type.Optional(Type.String({ description: 'Of a hold: for commit and rollback.' })),
  expires_at: Type.Optional(Type.String({ description: 'Of a hold that ends by itself.' })),
  transfer_id: Type.Optional(Type.String({ description: 'Of a transfer: for `corrects`.' })),
  entry_ids: Type.Optional(Type.Array(Type.String(), { description: 'Of a transfer.' })),
})

const ItemProblem = Type.Object({ code: Type.String(), title: Type.String() })
const Result = Type.Object({
  status: Type.Integer(),
  body: Type.Union([PostedAnswer, ItemProblem], {
    description: 'As the command by itself is answered.',
  }),
})

export const BatchAnswer = Type.Object({ results: Type.Array(Result) })

/** The problem of an atomic batch that was not applied. */
export const notApplied = {
  failed: Type.Object({
    index: Type.Integer({ description: 'Which command, from 0.' }),
    status: Type.Integer(),
    code: Type.String(),
  }),
  results: Type.Array(Type.Object({ status: Type.Integer(), body: ItemProblem })),
}

export const ChangedAnswer = Type.Object({
  status: Type.Literal('committed'),
  change_id: Type.String(),
  account: Type.Object({
    account_id: Type.String(),
    status: Type.Enum(['open', 'frozen', 'closed']),
    overdraft_limit: Type.Object({ minor_units: Type.Integer(), currency: Type.String() }),
  }),
})
