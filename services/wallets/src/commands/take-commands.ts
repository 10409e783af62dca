import { type Batcher, createBatcher, OverloadedError } from '@caudal/batching/create-batcher.ts'
import { CommitUnknownError, isUniqueViolation } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Answer } from '../ledger/answer-batch.ts'
import { type AtomicBatch, type Command, isPostings } from '../ledger/domain/command.ts'
import { KINDS } from '../ledger/domain/kinds.ts'
import type { RequestOutcome } from '../ledger/domain/outcome.ts'
import type { Work } from '../ledger/origin.ts'
import { processBatch } from '../ledger/process-batch.ts'
import { clientOrigin } from './client-origin.ts'
import { meetAcrossLanes } from './meet-across-lanes.ts'
import { type KeyWatch, watchKeys } from './watch-keys.ts'

export interface TakeCommandsDeps {
  db: Db
  region: string
  batchCommands: number
  /** Commands that one tenant may have waiting in a lane; all tenants together twice as many. */
  queueCommands: number
  observer: {
    commandsAnswered(work: readonly Work[], outcomes: readonly RequestOutcome[]): void
  }
  /** Slots of system accounts, one for each lane. */
  slots: readonly number[]
  /** Called after each commit, to wake the relay. */
  afterCommit: () => void
}

export interface CommandTaker {
  /** Rejects with OverloadedError when the queue is full, and with the fault of the own command. */
  submit(request: Command | AtomicBatch, traceparent: string): Promise<Answer>
  /**
   * The same for commands of one request, each for itself, as if done in their order. None has been
   * done when it rejects with OverloadedError.
   */
  submitAll(commands: readonly Command[], traceparent: string): Promise<Answer[]>
  /** Resolves once nothing is under way. */
  drain(): Promise<void>
}

type LaneDeps = TakeCommandsDeps & { watch: KeyWatch; slot: number }

type Taken = Work<Command | AtomicBatch>

const ATTEMPTS = 3
/** An atomic batch counts as so many commands: as many as a usual one has. */
const ATOMIC_SHARE = 100

/**
 * Joins the commands of concurrent requests: while one transaction runs, the next batch gathers.
 * There are lanes, each with its accounts and one batch under way: while the database works for
 * one, this thread works for another, and no two wait for the same row. Commands of one request
 * that meet across lanes go together in one, in their order. In each queue tenants take turns, so
 * that one which fills it delays no other. Each caller gets its own answer, and one command that
 * fails never fails its neighbours.
 */
export function takeCommands(given: TakeCommandsDeps): CommandTaker {
  const deps = { ...given, watch: watchKeys() }
  const batcherOf = (slot: number, share: number) =>
    createBatcher<Taken, Answer>({
      process: (work) => runBatch({ ...deps, slot }, work),
      maxBatch: Math.ceil(deps.batchCommands / share),
      // A tenant may fill half of it, so that half is the limit that one tenant meets.
      maxQueue: 2 * Math.ceil(deps.queueCommands / share),
      turnOf,
      isolate: true,
    })
  // Each lane has its own slot of the clearing accounts, or they would wait for each other.
  const lanes = deps.slots.map((slot) => batcherOf(slot, 1))
  // Atomic batches have a queue of their own: a large one would delay all other commands.
  const atomics = batcherOf(deps.slots[0]!, ATOMIC_SHARE)
  const laneOf = (accountId: string): number => laneNumber(accountId, lanes.length)
  const batcherFor = (command: Taken['command'], together?: string): Batcher<Taken, Answer> => {
    if (command.kind === 'atomic') return atomics
    return lanes[laneOf(together ?? command.accountId)]!
  }
  return {
    submit: (request, traceparent) =>
      batcherFor(request).submit(workOf(deps, request, traceparent)),
    async submitAll(commands, traceparent) {
      const together = meetAcrossLanes(commands, laneOf) ? commands[0]!.accountId : undefined
      const places = Map.groupBy(commands.keys(), (index) => batcherFor(commands[index]!, together))
      // A lane that refuses its part must not find that another has begun with its own.
      const refusal = [...places].some(([batcher, indexes]) => {
        const { tenantId } = commands[indexes[0]!]!
        return !batcher.hasRoomFor(indexes.length, tenantId)
      })
      if (refusal) throw new OverloadedError()
      const answers: Answer[] = []
      const settling = [...places].map(async ([batcher, indexes]) => {
        const work = indexes.map((index) => workOf(deps, commands[index]!, traceparent))
        const own = await batcher.submitAll(work)
        for (const [at, index] of indexes.entries()) answers[index] = own[at]!
      })
      await Promise.all(settling)
      return answers
    },
    async drain() {
      await Promise.all([...lanes.map((lane) => lane.drain()), atomics.drain()])
    },
  }
}

/** Tenants take turns. */
function turnOf({ command }: Taken): string {
  return command.tenantId
}

/** The same for every command of an account; ids are hashes, so accounts spread evenly. */
function laneNumber(accountId: string, lanes: number): number {
  return accountId.charCodeAt(accountId.length - 1) % lanes
}

/**
 * A transfer names accounts of the system itself, so those of one process are on one slot: clients
 * read its entries, and they continue each other. Every other command takes its lane's slot.
 */
function workOf(
  { slots }: Pick<TakeCommandsDeps, 'slots'>,
  command: Taken['command'],
  traceparent: string,
): Taken {
  const origin = clientOrigin(traceparent)
  const namesSystem =
    command.kind !== 'atomic' && isPostings(command) && KINDS[command.kind].form === 'postings'
  return { command, origin: namesSystem ? { ...origin, slot: slots[0]! } : origin }
}

async function runBatch(deps: LaneDeps, work: readonly Work[]): Promise<Answer[]> {
  const { db, region, slot, observer, afterCommit, watch } = deps
  for (let attempt = 1; ; attempt += 1) {
    const keysAreNew = attempt === 1 && watch.keysAreNew()
    try {
      const processed = await transaction(
        db,
        (tx, last) => processBatch({ region, slot, last, keysAreNew }, tx, work),
        'ledger-commands',
      )
      const outcomes = processed.outcomes.map(({ outcome }) => outcome)
      watch.saw(outcomes)
      afterCommit()
      observer.commandsAnswered(work, outcomes)
      return processed.outcomes.map(({ answer }) => answer!)
    } catch (error) {
      if (attempt === ATTEMPTS || !isSettledByKeys(error)) throw error
      watch.sawUsedKey()
    }
  }
}

/**
 * A key or a reference was used before, or by another process in the same moment, or it is unknown
 * whether the commit took effect. Running again settles both: what was done is found under its
 * key.
 */
function isSettledByKeys(error: unknown): boolean {
  return isUniqueViolation(error) || error instanceof CommitUnknownError
}
