import { codeOf } from './connection-faults.ts'

const MAX_CAUSES = 5

/**
 * A fault by the codes of it and its causes, such as `DATABASE_UNAVAILABLE, ECONNREFUSED`, for
 * readers who may not see addresses or SQL. An error without a code is its name.
 */
export function describeFault(error: unknown): string {
  const codes: string[] = []
  let current = error
  for (let depth = 0; current instanceof Error && depth <= MAX_CAUSES; depth += 1) {
    const code = codeOf(current) || current.name
    if (!codes.includes(code)) codes.push(code)
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return codes.join(', ') || 'unknown'
}

/** How often work failed in a row and why the last time; undefined if the last time succeeded. */
export function describeFailures(failures: number, last: unknown): string | undefined {
  if (failures === 0) return undefined
  const times = failures === 1 ? 'failed' : `failed ${failures} times in a row, the last time`
  return `${times} with ${describeFault(last)}`
}
