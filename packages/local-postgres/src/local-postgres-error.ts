export type LocalPostgresErrorCode =
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_UNUSABLE'
  | 'DISK_FULL'
  | 'NO_POSTGRES_USER'
  | 'PERMISSION_DENIED'
  | 'PORT_TAKEN'
  | 'START_FAILED'
  | 'STOP_FAILED'
  | 'UNSUPPORTED_PLATFORM'

/** A fault whose message is one sentence for the person at the terminal; no stack is needed. */
export class LocalPostgresError extends Error {
  readonly code: LocalPostgresErrorCode
  readonly retryable = false

  constructor(code: LocalPostgresErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LocalPostgresError'
    this.code = code
  }
}

/** Turns a file system error met around `place` into a sentence; other errors pass unchanged. */
export function explainFileError(error: unknown, place: string): unknown {
  if (error instanceof LocalPostgresError || !(error instanceof Error)) return error
  const code = 'code' in error ? error.code : undefined
  const path = 'path' in error && typeof error.path === 'string' ? error.path : place
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new LocalPostgresError('DISK_FULL', `The disk of ${path} is full.`, error)
    case 'EACCES':
    case 'EPERM':
      return new LocalPostgresError('PERMISSION_DENIED', `No permission for ${path}.`, error)
    case 'EROFS':
      return new LocalPostgresError('PERMISSION_DENIED', `${path} is read-only.`, error)
    case 'ENOTDIR':
    case 'EEXIST':
      return new LocalPostgresError('DATA_DIR_UNUSABLE', `${path} is not a directory.`, error)
    default:
      return error
  }
}

interface Circumstances {
  /** What was running: `initdb` or `postgres`. */
  program: string
  dataDir: string
  port?: number
}

/**
 * Reads what PostgreSQL wrote before it gave up (messages are in English: it runs with the C
 * locale) and says it in one sentence.
 */
export function explainOutput(output: string, at: Circumstances): LocalPostgresError {
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return new LocalPostgresError('DISK_FULL', `The disk of ${at.dataDir} is full.`)
  }
  if (/Address already in use|could not create any TCP\/IP sockets/.test(output)) {
    return new LocalPostgresError('PORT_TAKEN', `Port ${at.port} is taken by another program.`)
  }
  if (/lock file "postmaster.pid" already exists/.test(output)) {
    return new LocalPostgresError(
      'DATA_DIR_IN_USE',
      `The data directory ${at.dataDir} is in use by another PostgreSQL server.`,
    )
  }
  if (/Permission denied|Operation not permitted|has wrong ownership/.test(output)) {
    return new LocalPostgresError(
      'PERMISSION_DENIED',
      `PostgreSQL has no permission for its data in ${at.dataDir}: ${lastComplaint(output)}`,
    )
  }
  return new LocalPostgresError(
    'START_FAILED',
    `${at.program} could not start: ${lastComplaint(output)}`,
  )
}

function lastComplaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const fatal = lines.findLast((line) => /(FATAL|PANIC|error):/.test(line)) ?? lines.at(-1)
  return fatal?.replace(/^.*?(FATAL|PANIC|error):\s*/, '') ?? 'it said nothing.'
}
