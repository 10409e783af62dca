import assert from 'node:assert/strict'
import { newId } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { lacksScope } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import type { ClientKind, Command, HoldCommand, PostingKind } from '../ledger/domain/command.ts'
import { KINDS, postingsOf } from '../ledger/domain/kinds.ts'
import type { ClientPolicy } from '../ledger/domain/policy.ts'
import type { Rights } from '../ledger/domain/rights.ts'
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
import { commandFingerprint } from './fingerprint.ts'
import { readAccountId } from './read-account-id.ts'
import { readAmount, readLimit } from './read-amount.ts'
import { accountOfFirst, readPostings } from './read-postings.ts'

/** A request as its route's schema lets it through: a kind, and the body of its form. */
export type CommandRequest =
  | { form: 'amount' | 'postings'; kind: PostingKind; body: MoveBody | TransferBody }
  | { form: 'hold'; kind: 'hold'; body: HoldBody }
  | { form: 'commit'; kind: 'commit'; body: CommitBody }
  | { form: 'rollback'; kind: 'rollback'; body: RollbackBody }
  | { form: 'status'; kind: 'freeze' | 'unfreeze' | 'close'; accountId: string; body: StatusBody }
  | { form: 'overdraft'; kind: 'overdraft'; accountId: string; body: OverdraftBody }

/** Who asks, under which idempotency key. */
export interface Asking {
  identity: Identity
  key: unknown
  /** The policy of the client that asks. */
  policy: ClientPolicy | null
}

/** 1-255 visible ASCII characters. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** The request of a kind of transfer; `body` has passed the schema of the kind (`bodyOf`). */
export function requestOf(kind: ClientKind, body: unknown): CommandRequest {
  return { form: KINDS[kind].form, kind, body } as CommandRequest
}

/**
 * Reads a client's request as a command (F1).
 *
 * @throws {Problem} for what is wrong with the request itself; its key stays free
 */
export function readCommand(request: CommandRequest, asking: Asking): Command {
  const { identity, policy } = asking
  const { form, body } = request
  const clientId = identity.clientId ?? identity.subject
  const base = {
    tenantId: identity.tenantId,
    actor: actorOf(identity),
    referenceId: body.reference_id,
    reason: body.reason,
    transferId: transferIdFrom(newId()),
    key: { clientId, value: readKey(asking.key), fingerprint: commandFingerprint(request) },
  }
  switch (form) {
    case 'status':
      return { ...base, kind: request.kind, accountId: readAccountId(request.accountId) }
    case 'overdraft': {
      const limit = readLimit(body.limit)
      const accountId = readAccountId(request.accountId)
      return { ...base, kind: request.kind, accountId, ...limit }
    }
    default: {
      const source = { type: 'client', id: clientId } as const
      return readMoneyCommand(request, { ...base, source, rights: rightsOf(identity), policy })
    }
  }
}

/** Fails closed: what the token does not have is not allowed. */
function rightsOf({ scopes }: Identity): Rights {
  return {
    admin: scopes.has(SCOPE.ledgerAdmin),
    system: scopes.has(SCOPE.ledgerSystem),
    overdraft: scopes.has(SCOPE.ledgerOverdraft),
  }
}

type MoneyRequest = Exclude<CommandRequest, { accountId: string }>
type Common = Omit<
  HoldCommand,
  'kind' | 'accountId' | 'valueDate' | keyof Amount | 'expiresInSeconds'
>
type Amount = Pick<HoldCommand, 'amountMinor' | 'currency'>

function readMoneyCommand(request: MoneyRequest, base: Common): Command {
  switch (request.form) {
    case 'amount':
    case 'postings':
      return readPostingsCommand(request, base)
    case 'hold': {
      const { kind, body } = request
      const expiresInSeconds = readDuration(body.expires_in_seconds)
      return { ...base, kind, ...readSubject(body), ...readAmount(body.amount), expiresInSeconds }
    }
    case 'commit': {
      const { kind, body } = request
      const how = { releaseRest: body.release_rest === true, psp: null }
      return { ...base, kind, ...readSubject(body), ...readTaking(body), ...how }
    }
    case 'rollback': {
      const { kind, body } = request
      const how = { releaseRest: false, psp: null }
      return { ...base, kind, ...readSubject(body), ...readTaking(body), ...how }
    }
    default:
      return request satisfies never
  }
}

function readPostingsCommand(
  { kind, body }: Extract<MoneyRequest, { kind: PostingKind }>,
  base: Common,
): Command {
  if ('postings' in body) {
    const postings = readPostings(body.postings, base.tenantId)
    const namesSystem = postings.some(({ system }) => system !== null)
    if (namesSystem && !base.rights.system) throw lacksScope([SCOPE.ledgerSystem])
    const correctsId = body.corrects?.toLowerCase() ?? null
    const valueDate = body.value_date ?? null
    const accountId = accountOfFirst(postings, base.tenantId)
    return { ...base, kind, accountId, postings, correctsId, valueDate }
  }
  const subject = readSubject(body)
  const row = KINDS[kind]
  assert(row.form === 'amount', `${kind} moves an amount`)
  const postings = postingsOf(row, { accountId: subject.accountId, ...readAmount(body.amount) })
  return { ...base, kind, ...subject, postings, correctsId: null }
}

function readSubject(body: { account_id: string; value_date?: string }) {
  return {
    accountId: readAccountId(body.account_id),
    valueDate: body.value_date ?? null,
  }
}

/** A key of a client, as every writing request has one. */
export function readKey(key: unknown): string {
  if (key === undefined || key === '') {
    throw new Problem('IDEMPOTENCY_KEY_REQUIRED', 'the member idempotency_key is missing')
  }
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new Problem('INVALID_IDEMPOTENCY_KEY', 'a key is 1 to 255 visible ASCII characters')
  }
  return key
}

function readTaking(body: RollbackBody) {
  const amount =
    body.amount === undefined ? { amountMinor: null, currency: null } : readAmount(body.amount)
  return { ...amount, holdId: body.hold_id.toLowerCase() }
}

function readDuration(seconds: bigint | undefined): number | null {
  return seconds === undefined ? null : Number(seconds)
}
