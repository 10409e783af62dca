import { RefusedError, UnreachableError, UsageError } from './errors.ts'

/**
 * The exit codes of all commands. `no` is an answer: a violation, a failed payment, a refusal.
 * Without an answer, because the system or the command itself failed, it is `unreachable`.
 */
export const EXIT = { done: 0, no: 1, usage: 2, unreachable: 3 } as const

const TOO_MANY_REQUESTS = 429
const USAGE_CODES = new Set(['USAGE', 'CONFIG_INVALID'])

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && USAGE_CODES.has(code)) return EXIT.usage
  return error instanceof RefusedError ? EXIT.no : EXIT.unreachable
}

/** The error for an unsuccessful response. Only a client error (4xx) is an answer. */
export function errorOfStatus(
  status: number,
  problem: { code?: string | undefined; message: string },
): Error {
  if (status >= 500 || status === TOO_MANY_REQUESTS) return new UnreachableError(problem.message)
  if (problem.code === 'MALFORMED_REQUEST') return new UsageError(problem.message)
  return new RefusedError(problem.message, { status })
}
