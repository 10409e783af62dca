import { codeOf, isConnectionFault, isRetryableConflict } from './connection-faults.ts'

/** A statement that took too long and was cancelled; a disk that fails. */
const PASSING_STATES = new Set(['57014', '58030'])
/** The server is out of disk, memory or connections. */
const INSUFFICIENT_RESOURCES = /^53...$/
const MAX_CAUSES = 5

/**
 * Whether trying again later may help: the fault has `retryable`, or it is a lost or refused
 * connection, a conflict of transactions, a cancelled statement or a server that is out of
 * resources. Looks at causes too.
 */
export function isRetryable(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return false
  const { retryable } = error as Error & { retryable?: unknown }
  if (typeof retryable === 'boolean') return retryable
  if (error instanceof AggregateError) {
    return error.errors.some((one) => isRetryable(one, depth + 1))
  }
  if (isConnectionFault(error) || isRetryableConflict(error)) return true
  const code = codeOf(error)
  if (PASSING_STATES.has(code) || INSUFFICIENT_RESOURCES.test(code)) return true
  return isRetryable(error.cause, depth + 1)
}
