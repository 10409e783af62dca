import { statfs } from 'node:fs/promises'

/** What the server answers, and what it writes when it dies of it. */
const DISK_FULL_STATE = '53100'
const DISK_FULL_WORDS = /No space left on device|Disk quota exceeded/

/** PostgreSQL starts a new file of 16 MiB for its log of changes; less than that is full. */
const FULL_BYTES = 16 * 1024 ** 2

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
    case 'ENOENT':
      if (!('syscall' in error) || !String(error.syscall).startsWith('spawn')) return error
      return new LocalPostgresError(
        'UNSUPPORTED_PLATFORM',
        `${path} cannot be executed here (a system without glibc?): set DATABASE_URL instead.`,
        error,
      )
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
export async function explainOutput(
  output: string,
  at: Circumstances,
): Promise<LocalPostgresError> {
  if (await ranOutOfDisk(output, at.dataDir)) return diskFull(at.dataDir)
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

/**
 * Says in one sentence why a statement failed if the server ran out of disk, which its clients may
 * know as a lost connection only; other faults pass unchanged.
 */
export async function explainStatementFault(
  error: unknown,
  { dataDir, output }: { dataDir: string; output: string },
): Promise<unknown> {
  if (error instanceof LocalPostgresError || !(error instanceof Error)) return error
  const full =
    ('code' in error && error.code === DISK_FULL_STATE) || (await ranOutOfDisk(output, dataDir))
  return full ? diskFull(dataDir, error) : error
}

function diskFull(dataDir: string, cause?: unknown): LocalPostgresError {
  return new LocalPostgresError('DISK_FULL', `The disk of ${dataDir} is full.`, cause)
}

/** By what the server wrote; a full disk has no room for that either, so it is asked as well. */
export async function ranOutOfDisk(output: string, folder: string): Promise<boolean> {
  if (DISK_FULL_WORDS.test(output)) return true
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < FULL_BYTES
}

function lastComplaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const fatal = lines.findLast((line) => /(FATAL|PANIC|error):/.test(line)) ?? lines.at(-1)
  return fatal?.replace(/^.*?(FATAL|PANIC|error):\s*/, '') ?? 'it said nothing.'
}
