import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type Scope, type TestDatabase, testDatabase } from '@caudal/testing/test-database.ts'
import type { Command } from '../src/domain/command.ts'
import { walletMigrations } from '../src/migrations.ts'
import { type BatchResult, processBatch, type Work } from '../src/process-batch.ts'
import { openWalletAccounts } from '../src/store/open-wallet-accounts.ts'
import type { TestWallet } from './test-wallet.ts'
import { clientWork } from './work.ts'

/** An empty ledger of the test's own. */
export function ledgerDatabase(scope: Scope): Promise<TestDatabase> {
  return testDatabase(scope, { sets: walletMigrations, name: 'wallets' })
}

/** Opens accounts, as user.created does. */
export async function openWallets(db: Db, wallets: readonly TestWallet[]): Promise<void> {
  await transaction(db, (tx) => openWalletAccounts(tx, wallets))
}

/** Runs work as one batch in a transaction of its own. */
export function runBatch(db: Db, work: readonly Work[]): Promise<BatchResult> {
  return transaction(db, (tx) => processBatch(tx, work, { region: 'test' }))
}

/** Runs clients' commands as one batch in a transaction of its own. */
export function runCommands(db: Db, ...commands: readonly Command[]): Promise<BatchResult> {
  return runBatch(db, commands.map(clientWork))
}
