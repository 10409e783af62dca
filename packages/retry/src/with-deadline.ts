/** The other side did not answer in time; what was asked may have happened. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'NO_ANSWER_IN_TIME'
  readonly retryable = true
}

/**
 * Runs `work` under a deadline for all of it (F13). At the deadline its signal aborts and the
 * result is an error, whatever `work` still waits for.
 *
 * @throws {DeadlineError}
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new DeadlineError(`no answer within ${timeoutMs} ms`)
    reject(error)
    controller.abort(error)
  }, timeoutMs)
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
