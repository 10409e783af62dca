/** Exit codes of the command line (interfaces.md). */
export const EXIT = { done: 0, no: 1, usage: 2, unreachable: 3 } as const

/** The command was used wrongly: exit 2, with a sentence that says how. */
export class UsageError extends Error {
  readonly code = 'USAGE'
  override readonly name = 'UsageError'
}

/** The system cannot be reached: exit 3. */
export class UnreachableError extends Error {
  readonly code = 'UNREACHABLE'
  override readonly name = 'UnreachableError'
}
