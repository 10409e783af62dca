type PossiblySqlError = { code?: unknown }

/** The SQLSTATE or system code of an error; '' when it has none. */
export function codeOf(error: unknown): string {
  const code = (error as PossiblySqlError | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}

const CONFLICT_STATES = new Set(['40P01', '40001', '55P03'])

/** Deadlock, serialization failure, lock timeout: the transaction may succeed when repeated. */
export function isRetryableConflict(error: unknown): boolean {
  return CONFLICT_STATES.has(codeOf(error))
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT', // no socket file of a local server
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

/** Whether an error of the database client means that the connection is lost or refused. */
export function isConnectionFault(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isConnectionFault)
  const code = codeOf(error)
  if (CONNECTION_CODES.has(code) || code.startsWith('08')) return true
  return error instanceof Error && code === '' && CONNECTION_MESSAGE.test(error.message)
}
