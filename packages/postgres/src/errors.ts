import { codeOf } from '@caudal/retry/connection-faults.ts'

export { isConnectionFault, isRetryableConflict } from '@caudal/retry/connection-faults.ts'

/** PostgreSQL answered COMMIT with ROLLBACK, because an earlier statement had failed (rule 1). */
export class CommitRefusedError extends Error {
  readonly code = 'COMMIT_REFUSED'
  readonly retryable = true
  constructor() {
    super('the transaction was rolled back instead of committed')
    this.name = 'CommitRefusedError'
  }
}

/**
 * The connection broke during COMMIT, so it is unknown whether the transaction was committed. Look
 * the effects up by key before a retry.
 */
export class CommitUnknownError extends Error {
  readonly code = 'COMMIT_UNKNOWN'
  readonly retryable = true
  constructor(cause: unknown) {
    super('the connection broke during COMMIT', { cause })
    this.name = 'CommitUnknownError'
  }
}

/** The database is unreachable or temporarily unavailable; nothing was committed. */
export class DatabaseUnavailableError extends Error {
  readonly code = 'DATABASE_UNAVAILABLE'
  readonly retryable = true
  constructor(cause: unknown) {
    super('the database is unavailable', { cause })
    this.name = 'DatabaseUnavailableError'
  }
}

/** Whether the server has no database of this name (SQLSTATE 3D000). */
export function isMissingDatabase(error: unknown): boolean {
  return codeOf(error) === '3D000'
}

/** Whether the error is a unique violation (23505), of the named constraint if one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (codeOf(error) !== '23505') return false
  return constraint === undefined || (error as { constraint?: unknown }).constraint === constraint
}
