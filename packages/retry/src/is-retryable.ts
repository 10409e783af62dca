const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
/**
 * SQLSTATE: connection exceptions, too many connections, shutdown in progress, a serialization
 * failure, a deadlock, a lock not available, a statement that took too long, a server that became a
 * replica, a transaction that was idle for too long.
 */
const PASSING_SQLSTATE = /^(08...|53300|57P0[123]|40001|40P01|55P03|57014|25006|25P03)$/
const PASSING_MESSAGES =
  /^(Connection (terminated|ended)|Client (has encountered|was closed)|timeout exceeded when)/
const MAX_CAUSES = 5

/**
 * Whether trying again later may help: the fault says so itself (`retryable`), or it is a lost or
 * refused connection to a database or a peer. Causes are looked at too.
 */
export function isRetryable(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return false
  const { retryable, code } = error as Error & { retryable?: unknown; code?: unknown }
  if (typeof retryable === 'boolean') return retryable
  if (typeof code === 'string' && (CONNECTION_CODES.has(code) || PASSING_SQLSTATE.test(code))) {
    return true
  }
  if (PASSING_MESSAGES.test(error.message)) return true
  if (error instanceof AggregateError) {
    return error.errors.some((one) => isRetryable(one, depth + 1))
  }
  return isRetryable(error.cause, depth + 1)
}
