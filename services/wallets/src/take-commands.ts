import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { CommitUnknownError, isUniqueViolation } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Command } from './domain/command.ts'
import type { Answer } from './http/answer.ts'
import type { Observer } from './observe.ts'
import { processBatch, type Work } from './process-batch.ts'

export interface TakeCommandsDeps {
  db: Db
  region: string
  batchCommands: number
  queueCommands: number
  observer: Observer
  /** Something was committed: the relay should look. */
  afterCommit: () => void
}

export interface CommandTaker {
  /** Rejects with OverloadedError when too much waits, and with the fault of the own command. */
  submit(command: Command, traceparent: string): Promise<Answer>
  /** Resolves once nothing is under way. */
  drain(): Promise<void>
}

type Settled = { answer: Answer } | { fault: unknown }

const ATTEMPTS = 3

/**
 * Joins the commands of concurrent requests: while one transaction runs, the next batch gathers.
 * Each caller gets its own answer, and one command that fails never fails its neighbours.
 */
export function takeCommands(deps: TakeCommandsDeps): CommandTaker {
  const batcher = createBatcher<Work, Settled>({
    process: (work) => settleBatch(deps, work),
    maxBatch: deps.batchCommands,
    maxQueue: deps.queueCommands,
  })
  return {
    async submit(command, traceparent) {
      const settled = await batcher.submit({ command, traceparent, event: null, record: null })
      if ('fault' in settled) throw settled.fault
      return settled.answer
    },
    drain: () => batcher.drain(),
  }
}

async function settleBatch(deps: TakeCommandsDeps, work: readonly Work[]): Promise<Settled[]> {
  try {
    const answers = await runBatch(deps, work)
    return answers.map((answer) => ({ answer }))
  } catch (fault) {
    const passing = (fault as { retryable?: unknown }).retryable === true
    if (passing || work.length === 1) return work.map(() => ({ fault }))
    // One of them is at fault, and nothing says which: alone, each fails for itself.
    const settled: Settled[] = []
    for (const one of work) settled.push(...(await settleBatch(deps, [one])))
    return settled
  }
}

async function runBatch(deps: TakeCommandsDeps, work: readonly Work[]): Promise<Answer[]> {
  const { db, region, observer, afterCommit } = deps
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { outcomes, answers } = await transaction(db, (tx) =>
        processBatch(tx, work, { region }),
      )
      afterCommit()
      observer.commandsAnswered(work, outcomes)
      return answers.map((answer) => answer!)
    } catch (error) {
      if (attempt === ATTEMPTS || !isSettledByKeys(error)) throw error
    }
  }
}

/**
 * Another process used the same key or reference in the same moment, or nobody knows whether the
 * commit took effect. Both are answered by running again: what was done is found under its key.
 */
function isSettledByKeys(error: unknown): boolean {
  return isUniqueViolation(error) || error instanceof CommitUnknownError
}
