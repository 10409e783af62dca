import { statfs } from 'node:fs/promises'

/** The SQLSTATE of a full disk, and what the server logs if a full disk ends it. */
const DISK_FULL_STATE = '53100'
const DISK_FULL_OUTPUT = /No space left on device|Disk quota exceeded/

/** PostgreSQL allocates WAL files of 16 MiB, so a disk with less free space counts as full. */
const FULL_BYTES = 16 * 1024 ** 2

/** Why the local server could not start, stop or be removed. */
export type LocalPostgresErrorCode =
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_UNUSABLE'
  | 'DISK_FULL'
  | 'NO_POSTGRES_USER'
  | 'PERMISSION_DENIED'
  | 'PORT_TAKEN'
  | 'SERVER_LOST'
  | 'START_FAILED'
  | 'STOP_FAILED'
  | 'UNSUPPORTED_PLATFORM'

/** An error whose message is one sentence for the user; it needs no stack. */
export class LocalPostgresError extends Error {
  readonly code: LocalPostgresErrorCode
  readonly retryable = false

  constructor(code: LocalPostgresErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LocalPostgresError'
    this.code = code
  }
}

/** Turns a file system error at `place` into a LocalPostgresError; returns other errors as is. */
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
        `${path} cannot be executed (does the system lack glibc?). Set DATABASE_URL instead.`,
        error,
      )
    default:
      return error
  }
}

interface StartContext {
  /** The program that failed: `initdb` or `postgres`. */
  program: string
  dataDir: string
  port?: number
}

/**
 * Turns the output of a PostgreSQL program that failed into an error with one sentence. The output
 * is in English, since the program runs with the C locale.
 */
export async function explainOutput(output: string, at: StartContext): Promise<LocalPostgresError> {
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
      `PostgreSQL has no permission for its data in ${at.dataDir}: ${lastErrorLine(output)}`,
    )
  }
  return new LocalPostgresError(
    'START_FAILED',
    `${at.program} could not start: ${lastErrorLine(output)}`,
  )
}

/**
 * Returns DISK_FULL if a statement failed because the disk is full, which clients may see as a lost
 * connection only; returns other errors as is.
 */
export async function explainStatementError(
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

/** Checks the server's output and the free space, since a full disk may also lose the output. */
export async function ranOutOfDisk(output: string, folder: string): Promise<boolean> {
  if (DISK_FULL_OUTPUT.test(output)) return true
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < FULL_BYTES
}

function lastErrorLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const fatal = lines.findLast((line) => /(FATAL|PANIC|error):/.test(line)) ?? lines.at(-1)
  return fatal?.replace(/^.*?(FATAL|PANIC|error):\s*/, '') ?? 'no output.'
}
