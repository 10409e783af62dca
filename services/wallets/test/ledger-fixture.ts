import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import { type TestScope, type TestDatabase, testDatabase } from '@caudal/testing/test-database.ts'
import { type CommandTaker, takeCommands } from '../src/commands/take-commands.ts'
import type { Answer } from '../src/ledger/answer-batch.ts'
import type { Command } from '../src/ledger/domain/command.ts'
import type { RequestOutcome } from '../src/ledger/domain/outcome.ts'
import type { Work } from '../src/ledger/origin.ts'
import { processBatch, type Processed } from '../src/ledger/process-batch.ts'
import { openWalletAccounts } from '../src/ledger/store/open-wallet-accounts.ts'
import { walletMigrations } from '../src/migrations.ts'
import { createObserver } from '../src/observe.ts'
import type { TestWallet } from './test-wallet.ts'
import { clientWork } from './work.ts'

/** An empty ledger of the test's own. */
export function ledgerDatabase(scope: TestScope): Promise<TestDatabase> {
  return testDatabase(scope, { sets: walletMigrations, name: 'wallets' })
}

/** Opens accounts, as user.created does. */
export async function openWallets(db: Db, wallets: readonly TestWallet[]): Promise<void> {
  await transaction(db, (tx) => openWalletAccounts(tx, wallets))
}

/** What became of a batch, in its order. */
export interface BatchRun {
  outcomes: RequestOutcome[]
  answers: (Answer | null)[]
}

/** Runs work as one batch in a transaction under way. */
export async function processWork(tx: Tx, work: readonly Work[]): Promise<readonly Processed[]> {
  return (await processBatch({ region: 'test', slot: 0 }, tx, work)).outcomes
}

/** Runs work as one batch in a transaction of its own. */
export async function runBatch(db: Db, work: readonly Work[]): Promise<BatchRun> {
  const processed = await transaction(db, (tx) => processWork(tx, work))
  return {
    outcomes: processed.map(({ outcome }) => outcome),
    answers: processed.map(({ answer }) => answer),
  }
}

/** Runs clients' commands as one batch in a transaction of its own. */
export function runCommands(db: Db, ...commands: readonly Command[]): Promise<BatchRun> {
  return runBatch(
    db,
    commands.map((command) => clientWork(command)),
  )
}

const logger = createLogger({ service: 'wallets', level: 'silent' })

/** What takes the commands of one process's clients. */
export function takerOf(
  db: Db,
  over: { batchCommands?: number; queueCommands?: number; slots?: number[] } = {},
): CommandTaker {
  return takeCommands({
    slots: [0],
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
