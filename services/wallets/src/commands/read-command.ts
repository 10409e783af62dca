import { hash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import type { Command } from '../ledger/domain/command.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'
import type {
  CommitBody,
  HoldBody,
  MoveBody,
  OverdraftBody,
  RollbackBody,
  StatusBody,
  TransferBody,
} from './command-schemas.ts'
import { readAccountId } from './read-account-id.ts'
import { malformed, readAmount, readLimit, readValueDate } from './read-amount.ts'
import { readPostings } from './read-postings.ts'

/** A request as its route's schema lets it through. */
export type CommandRequest =
  | { kind: 'credit' | 'debit'; body: MoveBody }
  | { kind: 'hold'; body: HoldBody }
  | { kind: 'commit'; body: CommitBody }
  | { kind: 'rollback'; body: RollbackBody }
  | { kind: 'transfer'; body: TransferBody }
  | { kind: 'freeze' | 'unfreeze' | 'close'; accountId: string; body: StatusBody }
  | { kind: 'overdraft'; accountId: string; body: OverdraftBody }

/** Who asks, under which key, and which stripe of system accounts this process uses. */
export interface Asking {
  identity: Identity
  key: unknown
  stripe: number
}

/** 1-255 visible ASCII characters. */
const KEY = /^[\x21-\x7e]{1,255}$/
const LONGEST_HOLD_SECONDS = 366n * 24n * 60n * 60n

/**
 * Reads a client's request as a command (F1).
 *
 * @throws {Problem} for what is wrong with the request itself; its key stays free
 */
export function readCommand(request: CommandRequest, asking: Asking): Command {
  const { identity, stripe } = asking
  const { kind, body } = request
  const clientId = identity.clientId ?? identity.subject
  const base = {
    tenantId: identity.tenantId,
    referenceId: body.reference_id,
    reason: body.reason,
    transferId: transferIdFrom(newId()),
    key: { clientId, value: readKey(asking.key), fingerprint: fingerprintOf(request) },
  }
  switch (kind) {
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return { ...base, kind, accountId: readAccountId(request.accountId) }
    case 'overdraft': {
      const limit = readLimit(body.limit)
      return { ...base, kind, accountId: readAccountId(request.accountId), ...limit }
    }
    case 'transfer': {
      const postings = readPostings(body.postings, { tenantId: identity.tenantId, stripe })
      const { accountId } = postings[0]!
      const correctsId = body.corrects?.toLowerCase() ?? null
      const valueDate = readValueDate(body.value_date)
      return { ...base, kind, accountId, postings, correctsId, stripe, valueDate }
    }
    default: {
      const accountId = readAccountId(body.account_id)
      const money = { ...base, accountId, stripe, valueDate: readValueDate(body.value_date) }
      return readWalletCommand(request, money)
    }
  }
}

type WalletRequest = Extract<CommandRequest, { body: { account_id: string } }>
type Common = Omit<Extract<Command, { kind: 'credit' }>, 'kind' | 'amountMinor' | 'currency'>

function readWalletCommand(request: WalletRequest, common: Common): Command {
  switch (request.kind) {
    case 'credit':
    case 'debit':
      return { ...common, kind: request.kind, ...readAmount(request.body.amount) }
    case 'hold': {
      const { kind, body } = request
      const expiresInSeconds = readDuration(body.expires_in_seconds)
      return { ...common, kind, ...readAmount(body.amount), paymentId: null, expiresInSeconds }
    }
    case 'commit': {
      const { kind, body } = request
      return { ...common, kind, ...readTaking(body), releaseRest: body.release_rest === true }
    }
    case 'rollback':
      return { ...common, kind: request.kind, ...readTaking(request.body) }
    default:
      return request satisfies never
  }
}

/** A key of a client, as every writing request has one. */
export function readKey(key: unknown): string {
  if (key === undefined || key === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new Problem('INVALID_IDEMPOTENCY_KEY', 'a key is 1 to 255 visible ASCII characters')
  }
  return key
}

function readTaking(body: RollbackBody) {
  const amount =
    body.amount === undefined ? { amountMinor: null, currency: null } : readAmount(body.amount)
  return { ...amount, hold: { by: 'id', holdId: body.hold_id.toLowerCase() } as const }
}

function readDuration(seconds: bigint | undefined): number | null {
  if (seconds === undefined) return null
  if (seconds < 1n || seconds > LONGEST_HOLD_SECONDS) {
    throw malformed('expires_in_seconds', `must be from 1 to ${LONGEST_HOLD_SECONDS}`)
  }
  return Number(seconds)
}

/**
 * Equal for equal requests, however their JSON was written. What may be left out is added only
 * where it is there, so that a request means the same as before there was such a thing.
 */
function fingerprintOf(request: CommandRequest): string {
  const { kind, body } = request
  const parts: unknown[] = [kind, ...subjectOf(request), body.reason, body.reference_id]
  parts.push('hold_id' in body ? body.hold_id.toLowerCase() : null)
  const { value_date, expires_in_seconds, release_rest, corrects } = body as Partial<
    HoldBody & CommitBody & TransferBody
  >
  const options = {
    ...(value_date !== undefined && { value_date }),
    ...(expires_in_seconds !== undefined && { expires_in_seconds: `${expires_in_seconds}` }),
    ...(release_rest === true && { release_rest }),
    ...(corrects !== undefined && { corrects: corrects.toLowerCase() }),
  }
  if (Object.keys(options).length > 0) parts.push(options)
  return hash('sha256', JSON.stringify(parts), 'hex')
}

function subjectOf(request: CommandRequest): unknown[] {
  switch (request.kind) {
    case 'transfer':
      return request.body.postings.map(({ account_id, system_account, amount }) => [
        account_id?.toLowerCase() ?? null,
        system_account ?? null,
        `${amount.minor_units}`,
        amount.currency,
      ])
    case 'freeze':
    case 'unfreeze':
    case 'close':
      return [request.accountId.toLowerCase()]
    case 'overdraft': {
      const { minor_units, currency } = request.body.limit
      return [request.accountId.toLowerCase(), `${minor_units}`, currency]
    }
    default: {
      const { account_id: accountId, amount } = request.body
      const money = amount === undefined ? null : [`${amount.minor_units}`, amount.currency]
      return [accountId.toLowerCase(), money]
    }
  }
}
