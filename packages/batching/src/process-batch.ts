import type { Tx } from '@caudal/postgres/types.ts'

/** What a spine made of its batch. */
export interface BatchResult<Outcome> {
  /** What became of each unit of work, in its order. */
  outcomes: readonly Outcome[]
  /** Runs once the transaction is committed, and only then. */
  afterCommit?: () => void
}

/**
 * The signature of every spine (`process-batch.ts`): takes a batch of work inside one transaction,
 * locks and loads what it names, decides it in pure code with the database's clock as read behind
 * the locks, and writes everything in sets. It may run again for the same work, so its effects are
 * in the transaction or in `afterCommit`.
 */
export type ProcessBatch<Deps, Work, Outcome> = (
  deps: Deps,
  tx: Tx,
  work: readonly Work[],
) => Promise<BatchResult<Outcome>>
