import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { type Scope, type TestDatabase, testDatabase } from '@caudal/testing/test-database.ts'
import type { Answer } from '../src/commands/answer.ts'
import { type CommandTaker, takeCommands } from '../src/commands/take-commands.ts'
import type { Command } from '../src/ledger/domain/command.ts'
import { type BatchResult, processBatch, type Work } from '../src/ledger/process-batch.ts'
import { openWalletAccounts } from '../src/ledger/store/open-wallet-accounts.ts'
import { walletMigrations } from '../src/migrations.ts'
import { createObserver } from '../src/observe.ts'
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

const logger = createLogger({ service: 'wallets', level: 'silent' })

/** What takes the commands of one process's clients. */
export function takerOf(
  db: Db,
  over: { queueCommands?: number; stripes?: number[] } = {},
): CommandTaker {
  return takeCommands({
    stripes: [0],
    db,
    region: 'test',
    observer: createObserver({ logger, metrics: createMetrics('wallets') }),
    afterCommit: () => undefined,
    batchCommands: 1_000,
    queueCommands: 10_000,
    ...over,
  })
}

/** Commands that clients send at the same time. */
export function submitAll(
  taker: CommandTaker,
  commands: readonly Command[],
): Promise<PromiseSettledResult<Answer>[]> {
  return Promise.allSettled(commands.map((command) => taker.submit(command, newTraceparent())))
}
