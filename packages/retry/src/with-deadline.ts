/** The other side did not answer in time; what was asked may have happened. */
class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'NO_ANSWER_IN_TIME'
  readonly retryable = true
}

/** Ends one piece of work before its deadline. */
export type Cut = (error: Error) => void

/**
 * Runs `work` under a deadline for all of it (F13). At the deadline its signal aborts and the
 * result is an error, whatever `work` still waits for. While it runs, `cuts` has the function that
 * ends it before in the same way.
 *
 * @throws {DeadlineError}
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  cuts?: Set<Cut>,
): Promise<T> {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const cut: Cut = (error) => {
    reject(error)
    controller.abort(error)
  }
  const expire = (): void => cut(new DeadlineError(`no answer within ${timeoutMs} ms`))
  const timer = setTimeout(expire, timeoutMs)
  cuts?.add(cut)
  try {
    return await Promise.race([work(controller.signal), late])
  } finally {
    clearTimeout(timer)
    cuts?.delete(cut)
  }
}
