import { hash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import type { MoneyCommand } from '../src/domain/command.ts'
import { transferIdFrom } from '../src/domain/transfer.ts'
import type { TestWallet } from './test-wallet.ts'

export interface Naming {
  key?: string
  reference?: string
  stripe?: number
}

function common(wallet: TestWallet, naming: Naming, request: readonly string[]) {
  const { key = newId(), reference = key, stripe = 0 } = naming
  const { tenantId, accountId, currency } = wallet
  const parts = [accountId, currency, reference, ...request]
  return {
    tenantId,
    accountId,
    transferId: transferIdFrom(newId()),
    reason: 'test',
    referenceId: reference,
    stripe,
    valueDate: null,
    key: {
      clientId: 'tester',
      value: key,
      fingerprint: hash('sha256', JSON.stringify(parts), 'hex'),
    },
  }
}

/** A client's credit, debit or hold; a new key, which is the reference too, unless given. */
export function move(
  kind: 'credit' | 'debit' | 'hold',
  wallet: TestWallet,
  amountMinor: bigint,
  naming: Naming = {},
): MoneyCommand {
  const command = {
    ...common(wallet, naming, [kind, `${amountMinor}`]),
    amountMinor,
    currency: wallet.currency,
  }
  if (kind !== 'hold') return { ...command, kind }
  return { ...command, kind, paymentId: null, expiresInSeconds: null }
}

/** A client's commit or rollback of a hold; of all that is left unless an amount is given. */
export function close(
  kind: 'commit' | 'rollback',
  wallet: TestWallet,
  holdId: string,
  amountMinor: bigint | null = null,
  naming: Naming = {},
): MoneyCommand {
  const command = {
    ...common(wallet, naming, [kind, holdId, `${amountMinor}`]),
    hold: { by: 'id', holdId } as const,
    amountMinor,
    currency: amountMinor === null ? null : wallet.currency,
  }
  return kind === 'commit' ? { ...command, kind, releaseRest: false } : { ...command, kind }
}
