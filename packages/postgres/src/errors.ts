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

type PossiblySqlError = { code?: unknown; constraint?: unknown; message?: unknown }

function sqlState(error: unknown): string {
  const code = (error as PossiblySqlError | null)?.code
  return typeof code === 'string' ? code : ''
}

/** Whether the error is a unique violation (23505), of `constraint` if it is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== '23505') return false
  return constraint === undefined || (error as PossiblySqlError).constraint === constraint
}

const RETRYABLE_STATES = new Set(['40P01', '40001', '55P03'])

/** Whether the error is a deadlock, serialization failure or lock timeout: a retry may succeed. */
export function isRetryableConflict(error: unknown): boolean {
  return RETRYABLE_STATES.has(sqlState(error))
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
  '25P03', // idle_in_transaction_session_timeout
  '25006', // read_only_sql_transaction: a replica after a failover
])
const CONNECTION_MESSAGE =
  /connection (terminated|error|ended)|timeout exceeded|not queryable|Connection ended/i

/** Whether the error means that the connection is lost or cannot be established. */
export function isConnectionFault(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isConnectionFault)
  const state = sqlState(error)
  if (CONNECTION_CODES.has(state) || state.startsWith('08')) return true
  return error instanceof Error && state === '' && CONNECTION_MESSAGE.test(error.message)
}
