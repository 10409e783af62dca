import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { AccountStatus } from '../ledger/domain/account.ts'
import type { WalletAccount } from '../ledger/domain/reading.ts'
import { openedEvent } from '../ledger/ledger-events.ts'
import { openWalletAccounts } from '../ledger/store/open-wallet-accounts.ts'
import { findAccountStatus } from './store/find-account-status.ts'

/**
 * Opens an account of a wallet for a client. Its id follows from whose it is, so asking again
 * changes nothing: it needs no key.
 */
export async function openAccount(
  deps: { db: Db; region: string; afterCommit: () => void },
  account: WalletAccount,
  traceparent: string,
): Promise<{ status: AccountStatus; isNew: boolean }> {
  const { db, region, afterCommit } = deps
  const result = await transaction(db, async (tx) => {
    const opened = await openWalletAccounts(tx, [account])
    await addToOutbox(
      tx,
      opened.map((it) => openedEvent(it, { region, traceparent })),
    )
    const status = await findAccountStatus(tx, account.accountId)
    return { status, isNew: opened.length > 0 }
  })
  afterCommit()
  return result
}
