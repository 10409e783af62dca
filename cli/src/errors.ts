/** Invalid arguments: exit code 2. */
export class UsageError extends Error {
  readonly code = 'USAGE'
  override readonly name = 'UsageError'
}

/** The system answered "no": exit code 1. */
export class RefusedError extends Error {
  readonly code = 'REFUSED'
  override readonly name = 'RefusedError'
  /** Of the response, where one refused. */
  readonly status: number | undefined

  constructor(message: string, { status }: { status?: number } = {}) {
    super(message)
    this.status = status
  }
}

/** The system is unreachable or unavailable: exit code 3. */
export class UnreachableError extends Error {
  readonly code = 'UNREACHABLE'
  override readonly name = 'UnreachableError'
}
