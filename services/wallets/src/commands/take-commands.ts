import { type Batcher, createBatcher, OverloadedError } from '@caudal/batching/create-batcher.ts'
import { CommitUnknownError, isUniqueViolation } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Command, Request } from '../ledger/domain/command.ts'
import { processBatch, type Work } from '../ledger/process-batch.ts'
import type { Observer } from '../observe.ts'
import type { Answer } from './answer.ts'
import { meetAcrossLanes } from './meet-across-lanes.ts'
import { type KeyWatch, watchKeys } from './watch-keys.ts'

export interface TakeCommandsDeps {
  db: Db
  region: string
  batchCommands: number
  queueCommands: number
  observer: Observer
  /** Of system accounts, one for each lane. */
  stripes: readonly number[]
  /** Something was committed: the relay should look. */
  afterCommit: () => void
}

export interface CommandTaker {
  /** Rejects with OverloadedError when too much waits, and with the fault of the own command. */
  submit(request: Request, traceparent: string): Promise<Answer>
  /**
   * The same for commands of one request, each for itself, as if done in their order. None has been
   * done when it rejects with OverloadedError.
   */
  submitAll(commands: readonly Command[], traceparent: string): Promise<Answer[]>
  /** Resolves once nothing is under way. */
  drain(): Promise<void>
}

type Deps = TakeCommandsDeps & { watch: KeyWatch }

type Settled = { answer: Answer } | { fault: unknown }

const ATTEMPTS = 3
/** An atomic batch counts as so many commands: as many as a usual one has. */
const ATOMIC_SHARE = 100

/**
 * Joins the commands of concurrent requests: while one transaction runs, the next batch gathers.
 * There are lanes, each with its accounts and one batch under way: while the database works for
 * one, this thread works for another, and no two wait for the same row. Commands of one request
 * that meet across lanes go together in one, in their order. Each caller gets its own answer, and
 * one command that fails never fails its neighbours.
 */
export function takeCommands(given: TakeCommandsDeps): CommandTaker {
  const deps = { ...given, watch: watchKeys() }
  const batcherOf = (share: number) =>
    createBatcher<Work, Settled>({
      process: (work) => settleBatch(deps, work),
      maxBatch: Math.ceil(deps.batchCommands / share),
      maxQueue: Math.ceil(deps.queueCommands / share),
    })
  const lanes = deps.stripes.map((stripe) => ({ stripe, batcher: batcherOf(1) }))
  // Atomic batches have a line of their own: one that is large would hold up everybody's commands.
  const atomics = batcherOf(ATOMIC_SHARE)
  const laneOf = (accountId: string): number => laneNumber(accountId, lanes.length)
  const batcherFor = (command: Request, together?: string): Batcher<Work, Settled> => {
    if (command.kind === 'atomic') return atomics
    const lane = lanes[laneOf(together ?? command.accountId)]!
    // Each lane has its own stripe of the clearing accounts, or they would wait for each other.
    if (command.kind !== 'transfer' && 'stripe' in command) command.stripe = lane.stripe
    return lane.batcher
  }
  return {
    async submit(request, traceparent) {
      return answerIn(await batcherFor(request).submit(workOf(request, traceparent)))
    },
    async submitAll(commands, traceparent) {
      const together = meetAcrossLanes(commands, laneOf) ? commands[0]!.accountId : undefined
      const places = Map.groupBy(commands.keys(), (index) => batcherFor(commands[index]!, together))
      // A lane that refuses its part must not find that another has begun with its own.
      const refusal = [...places].some(([batcher, { length }]) => !batcher.hasRoomFor(length))
      if (refusal) throw new OverloadedError('more work waits than may wait')
      const answers: Answer[] = []
      const settling = [...places].map(async ([batcher, indexes]) => {
        const work = indexes.map((index) => workOf(commands[index]!, traceparent))
        const settled = await batcher.submitAll(work)
        for (const [at, index] of indexes.entries()) answers[index] = answerIn(settled[at]!)
      })
      await Promise.all(settling)
      return answers
    },
    async drain() {
      await Promise.all([...lanes.map(({ batcher }) => batcher.drain()), atomics.drain()])
    },
  }
}

function answerIn(settled: Settled): Answer {
  if ('fault' in settled) throw settled.fault
  return settled.answer
}

/** The same for every command of an account; ids are hashes, so accounts spread evenly. */
function laneNumber(accountId: string, lanes: number): number {
  return accountId.charCodeAt(accountId.length - 1) % lanes
}

function workOf(command: Request, traceparent: string): Work {
  const rest = { traceparent, event: null, record: null }
  return command.kind === 'atomic' ? { command, ...rest } : { command, ...rest }
}

async function settleBatch(deps: Deps, work: readonly Work[]): Promise<Settled[]> {
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

async function runBatch(deps: Deps, work: readonly Work[]): Promise<Answer[]> {
  const { db, region, observer, afterCommit, watch } = deps
  for (let attempt = 1; ; attempt += 1) {
    const keysAreNew = attempt === 1 && watch.keysAreNew()
    try {
      const { outcomes, answers } = await transaction(db, (tx, last) =>
        processBatch(tx, work, { region, last, keysAreNew }),
      )
      watch.saw(outcomes)
      afterCommit()
      observer.commandsAnswered(work, outcomes)
      return answers.map((answer) => answer!)
    } catch (error) {
      if (attempt === ATTEMPTS || !isSettledByKeys(error)) throw error
      watch.sawUsedKey()
    }
  }
}

/**
 * A key or a reference was used before, or by another process in the same moment, or nobody knows
 * whether the commit took effect. Both are answered by running again: what was done is found under
 * its key.
 */
function isSettledByKeys(error: unknown): boolean {
  return isUniqueViolation(error) || error instanceof CommitUnknownError
}
