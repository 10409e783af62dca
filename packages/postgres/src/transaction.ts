import {
  CommitRefusedError,
  CommitUnknownError,
  DatabaseUnavailableError,
  isConnectionFault,
  isRetryableConflict,
} from './errors.ts'
import type { Db, Tx } from './types.ts'

const ATTEMPTS_AT_MOST = 8
const BACKOFF_BASE_MS = 5

/** Statements that were sent and not awaited; COMMIT goes right behind them. */
export type LastStatements = Promise<unknown>[]

type Work<T> = (tx: Tx, last: LastStatements) => Promise<T>

/**
 * Runs `work` in one READ COMMITTED transaction. Deadlocks and serialization failures are repeated
 * with jitter, so `work` may run again and must keep its effects in the database. BEGIN travels
 * with the first statement of `work`, and COMMIT with those that it adds to `last`: one that fails
 * makes the COMMIT behind it a rollback, and the transaction throws its error.
 *
 * @throws {CommitRefusedError} when COMMIT answers ROLLBACK (rule 1)
 * @throws {CommitUnknownError} when the connection breaks during COMMIT
 * @throws {DatabaseUnavailableError} when there is no connection; nothing was committed
 */
export async function transaction<T>(db: Db, work: Work<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptTransaction(db, work, ['BEGIN'])
    } catch (error) {
      if (!isRetryableConflict(error) || attempt === ATTEMPTS_AT_MOST) throw error
      await pause(BACKOFF_BASE_MS * 2 ** attempt * Math.random())
    }
  }
}

/** Of a read, unless it says more. */
const READ_SECONDS = 10

/**
 * Runs reads that belong together: all see what was committed before the first of them, and nothing
 * that comes meanwhile. A statement that takes longer than `seconds` is given up, so that it keeps
 * no connection from others (SQLSTATE 57014). Which partitions a table has is not part of what is
 * seen: none of `keeps` can lose one from before the first read to the end.
 *
 * @throws {DatabaseUnavailableError} when there is no connection
 */
export function snapshot<T>(
  db: Db,
  work: (tx: Tx) => Promise<T>,
  { seconds = READ_SECONDS, keeps = [] }: { seconds?: number; keeps?: readonly string[] } = {},
): Promise<T> {
  return attemptTransaction(db, work, [
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    `SET LOCAL statement_timeout = '${seconds}s'`,
    ...keeps.map((table) => `LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE`),
  ])
}

async function attemptTransaction<T>(
  db: Db,
  work: Work<T>,
  opening: readonly string[],
): Promise<T> {
  const tx = await connect(db)
  const last: LastStatements = []
  const begun = Promise.all(opening.map((statement) => tx.query(statement)))
  let result: T
  try {
    begun.catch(() => {}) // reported below
    result = await work(tx, last)
    await throwUnsent(last)
    await begun
  } catch (later) {
    await Promise.allSettled(last)
    // Behind a statement that failed all others fail too, and do not say why.
    const error: unknown = await begun.then(
      () => later,
      (first: unknown) => first,
    )
    const broken = isConnectionFault(error) || !(await rollback(tx))
    tx.release(broken)
    throw isConnectionFault(error) ? new DatabaseUnavailableError(error) : error
  }
  await commit(tx, last)
  return result
}

/**
 * What fails on this side, while its values are composed, is never sent, and a COMMIT in its place
 * would keep the rest. Such a failure is known once this turn of the event loop has ended.
 */
async function throwUnsent(last: LastStatements): Promise<void> {
  const failures: unknown[] = []
  for (const statement of last) statement.catch((error: unknown) => failures.push(error))
  await new Promise((resolve) => process.nextTick(resolve))
  if (failures.length > 0) throw failures[0]
}

async function connect(db: Db): Promise<Tx> {
  try {
    return await db.connect()
  } catch (error) {
    throw isConnectionFault(error) ? new DatabaseUnavailableError(error) : error
  }
}

async function commit(tx: Tx, last: LastStatements): Promise<void> {
  const [committed, ...before] = await Promise.allSettled([tx.query('COMMIT'), ...last])
  const failed = before.find((it) => it.status === 'rejected')
  const refusal = failed && !isConnectionFault(failed.reason) ? failed : undefined
  if (committed.status === 'rejected') {
    tx.release(true)
    // PostgreSQL has rolled back behind a statement that it refused, or by a deferred constraint.
    if (refusal !== undefined) throw refusal.reason
    if (isConnectionFault(committed.reason)) throw new CommitUnknownError(committed.reason)
    throw committed.reason
  }
  tx.release()
  if (refusal !== undefined) throw refusal.reason
  if (committed.value.command !== 'COMMIT') throw new CommitRefusedError()
}

async function rollback(tx: Tx): Promise<boolean> {
  try {
    await tx.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
