import { setTimeout as delay } from 'node:timers/promises'
import { crashPoint, type Steps } from '@caudal/crash-points/crash-point.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import {
  CommitRefusedError,
  CommitUnknownError,
  DatabaseUnavailableError,
  isConnectionFault,
  isRetryableConflict,
} from './errors.ts'
import type { Db, Tx } from './types.ts'

const ATTEMPTS_AT_MOST = 8
const BACKOFF = { baseMs: 7, mostMs: 1_000 }

/** Statements that were sent but not awaited; COMMIT is sent directly after them. */
export type LastStatements = Promise<unknown>[]

type Work<T> = (tx: Tx, last: LastStatements) => Promise<T>

/**
 * Runs `work` in one READ COMMITTED transaction. Deadlocks and serialization failures are retried
 * with jitter, so `work` can run several times and must have no effects outside the database. BEGIN
 * is sent with the first statement of `work`, and COMMIT with the statements that `work` adds to
 * `last`. If one of those fails, COMMIT rolls back and the transaction throws the statement's
 * error. `steps` name what is committed, if tests kill the process before and after it.
 *
 * @throws {CommitRefusedError} if PostgreSQL answers COMMIT with ROLLBACK (rule 1)
 * @throws {CommitUnknownError} if the connection breaks during COMMIT
 * @throws {DatabaseUnavailableError} if there is no connection; nothing was committed
 */
export async function transaction<T>(db: Db, work: Work<T>, steps?: Steps): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptTransaction(db, work, { opening: ['BEGIN'], steps })
    } catch (error) {
      if (!isRetryableConflict(error) || attempt === ATTEMPTS_AT_MOST) throw error
      await delay(backoffMs(BACKOFF, attempt, Math.random()))
    }
  }
}

/** The default statement timeout of a snapshot. */
const READ_SECONDS = 10

/**
 * Runs reads in one REPEATABLE READ snapshot: all see what was committed before the first of them.
 * A statement that takes longer than `seconds` is cancelled (SQLSTATE 57014), so that it frees its
 * connection. A snapshot does not include which partitions a table has: the tables in `keeps` are
 * locked, so that none of their partitions is detached before the end.
 *
 * @throws {DatabaseUnavailableError} if there is no connection
 */
export function snapshot<T>(
  db: Db,
  work: (tx: Tx) => Promise<T>,
  { seconds = READ_SECONDS, keeps = [] }: { seconds?: number; keeps?: readonly string[] } = {},
): Promise<T> {
  const opening = [
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    `SET LOCAL statement_timeout = '${seconds}s'`,
    ...keeps.map((table) => `LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE`),
  ]
  return attemptTransaction(db, work, { opening })
}

async function attemptTransaction<T>(
  db: Db,
  work: Work<T>,
  { opening, steps }: { opening: readonly string[]; steps?: Steps | undefined },
): Promise<T> {
  const tx = await connect(db)
  const last: LastStatements = []
  const begun = Promise.all(opening.map((statement) => tx.query(statement)))
  let result: T
  try {
    begun.catch(() => {}) // awaited below
    result = await work(tx, last)
    await throwUnsent(last)
    await begun
  } catch (later) {
    await Promise.allSettled(last)
    // After a failed statement all later ones fail too; the first error is the cause.
    const error: unknown = await begun.then(
      () => later,
      (first: unknown) => first,
    )
    const broken = isConnectionFault(error) || !(await rollback(tx))
    tx.release(broken)
    throw isConnectionFault(error) ? new DatabaseUnavailableError(error) : error
  }
  crashPoint('before', steps)
  await commit(tx, last)
  crashPoint('after', steps)
  return result
}

/**
 * Throws the error of a statement that failed in this process while its values were built. It was
 * never sent, so COMMIT would commit the other statements. Such a failure is known after this turn
 * of the event loop.
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
    // PostgreSQL rolled back because of a failed statement or a deferred constraint.
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
