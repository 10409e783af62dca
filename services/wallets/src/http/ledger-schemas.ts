import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { type Static, Type } from 'typebox'

/** Text that a person chose: no control characters, which PostgreSQL or a log might choke on. */
const Text = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: '1 to 255 characters, none of them a control character',
})
/** F's money: an integer of minor units, exact to 2^63-1. */
const Amount = Type.Object({ minor_units: Type.BigInt(), currency: Type.String() })

const common = {
  account_id: Type.String({ minLength: 1, maxLength: 255 }),
  reason: Text,
  reference_id: Text,
}

/** The body of credit, debit and hold (F1). */
export const MoveBody = Type.Object({ ...common, amount: Amount })

/** The body of commit and rollback: without an amount, all that is left of the hold. */
export const CloseBody = Type.Object({
  ...common,
  hold_id: Uuid,
  amount: Type.Optional(Amount),
})

const batched = { idempotency_key: Type.Optional(Type.String()) }
const move = { ...batched, ...MoveBody.properties }
const close = { ...batched, ...CloseBody.properties }

/** One command of a batch: the body of its own route with its kind and its key. */
export const BatchedMove = Type.Object({ command: Type.Enum(['credit', 'debit', 'hold']), ...move })
export const BatchedClose = Type.Object({ command: Type.Enum(['commit', 'rollback']), ...close })

export type MoveBody = Static<typeof MoveBody>
export type CloseBody = Static<typeof CloseBody>
export type BatchedCommand = Static<typeof BatchedMove> | Static<typeof BatchedClose>

/** F's answer to a command. */
export const CommittedAnswer = Type.Object({
  status: Type.Literal('committed'),
  entry_id: Type.String(),
  hold_id: Type.Optional(Type.String({ description: 'Of a hold: for commit and rollback.' })),
})
