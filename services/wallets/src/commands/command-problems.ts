import type { ErrorCode } from '@caudal/contracts/error-codes.ts'
import { Type } from 'typebox'
import type { AccountCommand, ClientKind } from '../ledger/domain/command.ts'
import { KINDS } from '../ledger/domain/kinds.ts'

/** What every command may be refused with. */
const OF_ALL: ErrorCode[] = [
  'IDEMPOTENCY_KEY_REQUIRED',
  'INVALID_IDEMPOTENCY_KEY',
  'IDEMPOTENCY_MISMATCH',
  'REFERENCE_ALREADY_USED',
  'ACCOUNT_NOT_FOUND',
  'ACCOUNT_CLOSED',
]
const BY_POLICY: ErrorCode[] = [
  'NOT_ALLOWED_BY_POLICY',
  'TRANSFER_LIMIT_EXCEEDED',
  'DAILY_LIMIT_EXCEEDED',
]
const MOVING: ErrorCode[] = [...OF_ALL, ...BY_POLICY, 'ACCOUNT_FROZEN', 'CURRENCY_MISMATCH']
const CLOSING: ErrorCode[] = [...OF_ALL, 'HOLD_NOT_OPEN', 'CURRENCY_MISMATCH', 'INSUFFICIENT_FUNDS']

/** What a kind of transfer may be refused with, for the OpenAPI document. */
export function problemsOf(kind: ClientKind): ErrorCode[] {
  const row = KINDS[kind]
  switch (row.form) {
    case 'amount':
      return [
        ...MOVING,
        ...(row.from === 'account' ? (['INSUFFICIENT_FUNDS'] as const) : []),
        ...(row.to === 'account' ? (['BALANCE_LIMIT_EXCEEDED'] as const) : []),
      ]
    case 'hold':
      return [...MOVING, 'INSUFFICIENT_FUNDS', 'BALANCE_LIMIT_EXCEEDED']
    case 'commit':
    case 'rollback':
      return CLOSING
    case 'postings':
      return [
        ...MOVING,
        'TRANSFER_NOT_FOUND',
        'TRANSFER_NOT_BALANCED',
        'CORRECTION_EXCEEDS_ORIGINAL',
        'INSUFFICIENT_FUNDS',
        'BALANCE_LIMIT_EXCEEDED',
      ]
    default:
      return row satisfies never
  }
}

/** What a change of an account may be refused with. */
export const ACCOUNT_PROBLEMS: Record<AccountCommand['kind'], ErrorCode[]> = {
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
