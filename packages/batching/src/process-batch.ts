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
 * locks and loads what it names, decides it in pure code, and writes everything in sets. It may run
 * again for the same work, so its effects are in the transaction or in `afterCommit`.
 *
 * No spine uses the clock of its process for a time that it stores: processes differ, and a step of
 * one would reorder what another one wrote. Each takes the clock of its database, where it locks:
 *
 * - payments and wallets decide with it: the query that locks their rows reads it behind the locks,
 *   so the times of one payment or account never go back.
 * - requests to pay and notifications decide with `readClock` at the start: they lock no row first,
 *   and a unique index rejects what another process wrote meanwhile.
 * - processor, orders and identity decide without a time. The statements that write set it, and
 *   return it for the events; orders reads it behind its locks.
 */
export type ProcessBatch<Deps, Work, Outcome> = (
  deps: Deps,
  tx: Tx,
  work: readonly Work[],
) => Promise<BatchResult<Outcome>>
