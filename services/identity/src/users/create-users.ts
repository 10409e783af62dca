import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { BatchResult } from '@caudal/batching/process-batch.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { User } from '../domain/user.ts'
import { type UserCreationWork, processBatch, type ProcessBatchDeps } from '../process-batch.ts'

export interface UserCreation {
  /** Creates the users together with the requests that arrive meanwhile. */
  create(work: UserCreationWork): Promise<User[]>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
}

/** Requests of a batch, of up to 1,000 users each. */
const MAX_BATCH = 16
const MAX_QUEUE = 1_000

/** Joins requests to create users; tenants take turns. */
export function createUserCreation({ db, ...deps }: ProcessBatchDeps & { db: Db }): UserCreation {
  const process = async (work: UserCreationWork[]): Promise<User[][]> => {
    const result: BatchResult<User[]> = await transaction(
      db,
      (tx) => processBatch(deps, tx, work),
      'users',
    )
    result.afterCommit?.()
    return [...result.outcomes]
  }
  const batcher = createBatcher<UserCreationWork, User[]>({
    process,
    turnOf: ({ users }) => users[0]?.tenantId ?? '',
    maxBatch: MAX_BATCH,
    maxQueue: MAX_QUEUE,
    isolate: true,
  })
  return { create: (work) => batcher.submit(work), drain: () => batcher.drain() }
}
