/** The exit codes of all commands. */
export const EXIT = { done: 0, no: 1, usage: 2, unreachable: 3 } as const

/** Invalid arguments: exit code 2. */
export class UsageError extends Error {
  readonly code = 'USAGE'
  override readonly name = 'UsageError'
}

/** The system is unreachable: exit code 3. */
export class UnreachableError extends Error {
  readonly code = 'UNREACHABLE'
  override readonly name = 'UnreachableError'
}
