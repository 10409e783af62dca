import type { Actor } from '@caudal/contracts/actor.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { AccountStatus } from '../ledger/domain/account.ts'
import type { OpenCommand } from '../ledger/domain/command.ts'
import type { WalletAccount } from '../ledger/domain/opening.ts'
import { processBatch } from '../ledger/process-batch.ts'
import { findAccountStatus } from './store/find-account-status.ts'

/** Who opens an account, and the trace of the request. */
export interface Opener {
  actor: Actor
  traceparent: string
}

/**
 * Opens an account of a wallet for a client. Its id follows from its user and currency, so a repeat
 * changes nothing: it needs no idempotency key.
 */
export async function openAccount(
  deps: { db: Db; region: string; afterCommit: () => void },
  account: WalletAccount,
  { actor, traceparent }: Opener,
): Promise<{ status: AccountStatus; isNew: boolean }> {
  const { db, region, afterCommit } = deps
  const command = openingOf([account], { tenantId: account.tenantId, actor })
  const result = await transaction(
    db,
    async (tx) => {
      const work = [{ command, origin: { traceparent } }]
      const { outcomes } = await processBatch({ region, slot: 0 }, tx, work)
      const [opened] = outcomes
      const isNew = opened?.outcome.type === 'opened' && opened.outcome.accounts.length > 0
      return { status: await findAccountStatus(tx, account.accountId), isNew }
    },
    'accounts',
  )
  afterCommit()
  return result
}

/** The command that opens accounts: its accounts are its key. */
export function openingOf(
  accounts: readonly WalletAccount[],
  { tenantId, actor }: { tenantId: string; actor: Actor },
): OpenCommand {
  const value = `open:${accounts.map(({ accountId }) => accountId).join(',')}`
  const key = { clientId: null, value, fingerprint: '' }
  return { kind: 'open', tenantId, actor, key, accounts }
}
