import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { Type } from 'typebox'
import type { CommandRequest } from './read-command.ts'

/** What every command may be refused with. */
const OF_ALL: ErrorCode[] = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'INVALID_IDEMPOTENCY_KEY',
  'IDEMPOTENCY_MISMATCH',
  'REFERENCE_ALREADY_USED',
  'ACCOUNT_NOT_FOUND',
  'ACCOUNT_CLOSED',
]
const MOVING: ErrorCode[] = [...OF_ALL, 'ACCOUNT_FROZEN', 'CURRENCY_MISMATCH']
const CLOSING: ErrorCode[] = [...OF_ALL, 'HOLD_NOT_OPEN', 'CURRENCY_MISMATCH', 'INSUFFICIENT_FUNDS']

/** What the ledger's commands may be refused with, for the OpenAPI document. */
export const COMMAND_PROBLEMS: Record<CommandRequest['kind'], ErrorCode[]> = {
  credit: [...MOVING, 'BALANCE_LIMIT_EXCEEDED'],
  debit: [...MOVING, 'INSUFFICIENT_FUNDS'],
  hold: [...MOVING, 'INSUFFICIENT_FUNDS', 'BALANCE_LIMIT_EXCEEDED'],
  commit: CLOSING,
  rollback: CLOSING,
  transfer: [
    ...MOVING,
    'TRANSFER_NOT_FOUND',
    'TRANSFER_NOT_BALANCED',
    'INSUFFICIENT_FUNDS',
    'BALANCE_LIMIT_EXCEEDED',
  ],
  freeze: OF_ALL,
  unfreeze: OF_ALL,
  close: [...OF_ALL, 'ACCOUNT_NOT_EMPTY'],
  overdraft: [...OF_ALL, 'CURRENCY_MISMATCH', 'OVERDRAFT_IN_USE'],
}

export const BATCH_PROBLEMS: ErrorCode[] = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'INVALID_IDEMPOTENCY_KEY',
  'IDEMPOTENCY_MISMATCH',
  'BATCH_NOT_APPLIED',
]

const Key = Type.String({
  pattern: '^[\\x21-\\x7e]{1,255}$',
  description: 'Names this request: a repeat gets the same answer, to the byte.',
})
const answerHeaders = {
  'idempotency-replayed': Type.String({ description: '`true` where the answer is a repeat.' }),
}

/** The headers of a command, which it reads by itself (F2). */
export const keyed = { readHeaders: { 'x-idempotency-key': Key }, answerHeaders }

/** Those of a batch: its commands have keys of their own, unless it is atomic. */
export const keyedIfAtomic = {
  readHeaders: {
    'x-idempotency-key': Type.Optional(
      Type.String({
        ...Key,
        description: 'Required for an atomic batch; otherwise each command has its own.',
      }),
    ),
  },
  answerHeaders,
}
