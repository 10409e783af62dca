import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import { accountOfFirst } from '../src/commands/read-postings.ts'
import type { SystemAccountKind } from '../src/ledger/domain/account.ts'
import type {
  AccountCommand,
  AtomicBatch,
  Command,
  HoldCommand,
  MoneyCommand,
  PostingsCommand,
  RequestedPosting,
} from '../src/ledger/domain/command.ts'
import { KINDS, postingsOf } from '../src/ledger/domain/kinds.ts'
import type { Rights } from '../src/ledger/domain/rights.ts'
import { transferIdFrom } from '../src/ledger/domain/transfer.ts'
import { TENANT, type TestWallet } from './test-wallet.ts'

export interface Naming {
  key?: string
  reference?: string
}

/** Those of a token with `ledger:write`. */
const WRITER: Rights = { admin: false, system: true, overdraft: true }
const TESTER = { type: 'client', id: 'tester' } as const

function fingerprintOf(request: unknown): string {
  return hash('sha256', JSON.stringify(request), 'hex')
}

function base(tenantId: string, naming: Naming, request: readonly unknown[]) {
  const { key = newId(), reference = key } = naming
  return {
    tenantId,
    actor: TESTER,
    transferId: transferIdFrom(newId()),
    reason: 'test',
    referenceId: reference,
    key: { clientId: TESTER.id, value: key, fingerprint: fingerprintOf([reference, ...request]) },
  }
}

function common(wallet: TestWallet, naming: Naming, request: readonly string[]) {
  const { tenantId, accountId, currency } = wallet
  const source = { type: 'client', id: TESTER.id } as const
  const money = { accountId, source, rights: WRITER, policy: null, valueDate: null }
  return { ...base(tenantId, naming, [accountId, currency, ...request]), ...money }
}

/** A client's credit, debit or hold; a new key, which is the reference too, unless given. */
export function move(
  kind: 'credit' | 'debit' | 'hold',
  wallet: TestWallet,
  amountMinor: bigint,
  naming: Naming = {},
): MoneyCommand {
  const { accountId, currency } = wallet
  const command = common(wallet, naming, [kind, `${amountMinor}`])
  if (kind === 'hold') return { ...command, kind, amountMinor, currency, expiresInSeconds: null }
  const row = KINDS[kind]
  assert(row.form === 'amount')
  const postings = postingsOf(row, { accountId, amountMinor, currency })
  return { ...command, kind, postings, correctsId: null }
}

/** A client's hold with an end; 0 seconds is over at once, which no client can ask for. */
export function expiringHold(
  wallet: TestWallet,
  amountMinor: bigint,
  expiresInSeconds: number,
  naming: Naming = {},
): HoldCommand {
  const request = ['hold', `${amountMinor}`, `${expiresInSeconds}`]
  const command = { ...common(wallet, naming, request), amountMinor, currency: wallet.currency }
  return { ...command, kind: 'hold', expiresInSeconds }
}

/** A client's commit or rollback of a hold; of all that is left unless an amount is given. */
export function close(
  kind: 'commit' | 'rollback',
  wallet: TestWallet,
  holdId: string,
  amountMinor: bigint | null = null,
  naming: Naming & { releaseRest?: boolean } = {},
): MoneyCommand {
  const { releaseRest = false } = naming
  const command = {
    ...common(wallet, naming, [kind, holdId, `${amountMinor}`, `${releaseRest}`]),
    holdId,
    psp: null,
    amountMinor,
    currency: amountMinor === null ? null : wallet.currency,
  }
  return { ...command, kind, releaseRest: kind === 'commit' && releaseRest }
}

/** What a transfer does to a wallet, or to an account of the system in a currency. */
export type TestPosting = [on: TestWallet | [SystemAccountKind, currency: string], amount: bigint]

export function transfer(
  postings: readonly TestPosting[],
  naming: Naming & { corrects?: string; tenantId?: string; rights?: Rights } = {},
): PostingsCommand {
  const { corrects = null, tenantId = TENANT, rights = WRITER } = naming
  const read = postings.map(([on, amountMinor]): RequestedPosting => {
    if (!Array.isArray(on)) {
      return { accountId: on.accountId, currency: on.currency, amountMinor, system: null }
    }
    const [kind, currency] = on
    return { accountId: null, currency, amountMinor, system: kind }
  })
  const request = postings.map(([on, amount]) => [
    Array.isArray(on) ? on : [on.accountId, on.currency],
    `${amount}`,
  ])
  return {
    ...base(tenantId, naming, ['transfer', request, corrects]),
    kind: 'transfer',
    source: { type: 'client', id: TESTER.id },
    rights,
    policy: null,
    accountId: accountOfFirst(read, tenantId),
    postings: read,
    correctsId: corrects,
    valueDate: null,
  }
}

/** Freezes, unfreezes or closes; with a limit, sets how far the account may be overdrawn. */
export function change(
  kind: 'freeze' | 'unfreeze' | 'close' | { overdraft: bigint },
  { tenantId, accountId, currency }: TestWallet,
  naming: Naming = {},
): AccountCommand {
  if (typeof kind === 'string') {
    return { ...base(tenantId, naming, [kind, accountId]), kind, accountId }
  }
  const limitMinor = kind.overdraft
  const request = ['overdraft', accountId, `${limitMinor}`, currency]
  return { ...base(tenantId, naming, request), kind: 'overdraft', accountId, limitMinor, currency }
}

/** Commands of which all take effect, or none. */
export function atomic(commands: readonly Command[], key: string = newId()): AtomicBatch {
  const fingerprint = fingerprintOf(commands.map((it) => it.key.fingerprint))
  const named = { clientId: TESTER.id, value: key, fingerprint }
  return {
    kind: 'atomic',
    tenantId: commands[0]!.tenantId,
    actor: TESTER,
    key: named,
    commands: commands.map((it) => ({ ...it, key: { ...it.key, value: key } })),
  }
}
