import { codeOf, isConnectionFault, isRetryableConflict } from './database-faults.ts'

/** Codes of lost or refused connections to peers, beside those that databases have too. */
const PEER_CODES = new Set([
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
/** SQLSTATE of a statement that took too long and was cancelled. */
const QUERY_CANCELED = '57014'
const CLIENT_MESSAGE = /^Client (has encountered|was closed)/
const MAX_CAUSES = 5

/**
 * Whether trying again later may help: the fault has `retryable`, or it is a lost or refused
 * connection, a conflict of transactions or a cancelled statement. Looks at causes too. A missing
 * file (ENOENT) counts only where a connection was attempted.
 */
export function isRetryable(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return false
  const { retryable, syscall } = error as Error & { retryable?: unknown; syscall?: unknown }
  if (typeof retryable === 'boolean') return retryable
  if (error instanceof AggregateError) {
    return error.errors.some((one) => isRetryable(one, depth + 1))
  }
  const code = codeOf(error)
  if (code !== 'ENOENT' || syscall === 'connect') {
    if (isConnectionFault(error) || isRetryableConflict(error)) return true
  }
  if (PEER_CODES.has(code) || code === QUERY_CANCELED) return true
  if (CLIENT_MESSAGE.test(error.message)) return true
  return isRetryable(error.cause, depth + 1)
}
