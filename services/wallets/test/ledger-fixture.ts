import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type Scope, type TestDatabase, testDatabase } from '@caudal/testing/test-database.ts'
import type { Command } from '../src/domain/command.ts'
import { isLedgerEvent, type LedgerEvent, parseCommand } from '../src/messaging/parse-command.ts'
import { ledgerMigrations } from '../src/migrations.ts'
import { type BatchResult, processBatch, type Work } from '../src/process-batch.ts'
import { openWalletAccounts } from '../src/store/open-wallet-accounts.ts'
import { TENANT, type TestWallet } from './test-wallet.ts'

const sets = [consumerMigrations, outboxMigrations, ledgerMigrations]

/** An empty ledger of the test's own. */
export function ledgerDatabase(scope: Scope): Promise<TestDatabase> {
  return testDatabase(scope, { sets, name: 'wallets' })
}

/** Opens accounts, as user.created does. */
export async function openWallets(db: Db, wallets: readonly TestWallet[]): Promise<void> {
  const accounts = wallets.map((wallet) => ({ ...wallet, tenantId: TENANT }))
  await transaction(db, (tx) => openWalletAccounts(tx, accounts))
}

/** A client's command as a batch takes it. */
export function clientWork(command: Command): Work {
  return { command, traceparent: undefined, event: null, record: null }
}

/** A payment's event as a batch takes it. */
export function eventWork(event: LedgerEvent, partition = 0): Work {
  const parsed = parseCommand(event, partition)
  if ('cause' in parsed || !isLedgerEvent(event)) throw new Error('not a command')
  const record = {
    topic: event.event_type === 'payment.requested' ? 'payments.requested' : 'payments.results',
    partition,
    offset: 0n,
    key: event.account_id,
    value: JSON.stringify(event),
    headers: {},
  }
  return { command: parsed.command, traceparent: undefined, event, record }
}

/** Runs work as one batch in a transaction of its own. */
export function runBatch(db: Db, work: readonly Work[]): Promise<BatchResult> {
  return transaction(db, (tx) => processBatch(tx, work, { region: 'test' }))
}

/** Runs clients' commands as one batch in a transaction of its own. */
export function runCommands(db: Db, ...commands: readonly Command[]): Promise<BatchResult> {
  return runBatch(db, commands.map(clientWork))
}
