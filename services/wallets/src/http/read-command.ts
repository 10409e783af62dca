import { hash } from 'node:crypto'
import { isUuid, newId } from '@caudal/contracts/ids.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import { isCurrency } from '@caudal/money/currencies.ts'
import type { Command } from '../domain/command.ts'
import { transferIdFrom } from '../domain/transfer.ts'
import type { CloseBody, MoveBody } from './ledger-schemas.ts'

export type CommandRequest =
  | { kind: 'credit' | 'debit' | 'hold'; body: MoveBody }
  | { kind: 'commit' | 'rollback'; body: CloseBody }

/** 1-255 visible ASCII characters. */
const KEY = /^[\x21-\x7e]{1,255}$/

/**
 * Reads a client's request as a command (F1). `stripe` is the one that this process uses.
 *
 * @throws {Problem} for what is wrong with the request itself; its key stays free
 */
export function readCommand(
  request: CommandRequest,
  key: unknown,
  identity: Identity,
  stripe: number,
): Command {
  const { kind, body } = request
  const clientId = identity.clientId ?? identity.subject
  if (!isUuid(body.account_id)) throw new Problem('ACCOUNT_NOT_FOUND')
  const common = {
    tenantId: identity.tenantId,
    accountId: body.account_id.toLowerCase(),
    referenceId: body.reference_id,
    reason: body.reason,
    transferId: transferIdFrom(newId()),
    key: { clientId, value: readKey(key), fingerprint: fingerprintOf(request) },
    stripe,
    valueDate: null,
  }
  switch (kind) {
    case 'credit':
    case 'debit':
      return { ...common, kind, ...readAmount(body.amount) }
    case 'hold':
      return { ...common, kind, ...readAmount(body.amount), paymentId: null }
    case 'commit':
    case 'rollback': {
      const amount =
        body.amount === undefined ? { amountMinor: null, currency: null } : readAmount(body.amount)
      const hold = { by: 'id', holdId: body.hold_id.toLowerCase() } as const
      return { ...common, kind, ...amount, hold }
    }
    default:
      return request satisfies never
  }
}

function readKey(key: unknown): string {
  if (key === undefined || key === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new Problem('INVALID_IDEMPOTENCY_KEY', 'a key is 1 to 255 visible ASCII characters')
  }
  return key
}

function readAmount({ minor_units: amountMinor, currency }: MoveBody['amount']): {
  amountMinor: bigint
  currency: string
} {
  if (amountMinor <= 0n) throw malformed('amount.minor_units', 'must be at least 1')
  if (!isCurrency(currency)) throw malformed('amount.currency', 'is not an ISO 4217 code')
  return { amountMinor, currency }
}

function malformed(param: string, reason: string): Problem {
  return new Problem('MALFORMED_REQUEST', `body: ${param} ${reason}`, { members: { param } })
}

/** Equal for equal requests, however their JSON was written. */
function fingerprintOf({ kind, body }: CommandRequest): string {
  const { account_id: accountId, amount, reason, reference_id: referenceId } = body
  const holdId = 'hold_id' in body ? body.hold_id.toLowerCase() : null
  const money = amount === undefined ? null : [`${amount.minor_units}`, amount.currency]
  const parts = [kind, accountId.toLowerCase(), money, reason, referenceId, holdId]
  return hash('sha256', JSON.stringify(parts), 'hex')
}
