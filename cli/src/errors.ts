/** Invalid arguments: exit code 2. */
export class UsageError extends Error {
  readonly code = 'USAGE'
  override readonly name = 'UsageError'
}

/** The system answered "no": exit code 1. */
export class RefusedError extends Error {
  readonly code = 'REFUSED'
  override readonly name = 'RefusedError'
}

/** The system is unreachable or unavailable: exit code 3. */
export class UnreachableError extends Error {
  readonly code = 'UNREACHABLE'
  override readonly name = 'UnreachableError'
}
