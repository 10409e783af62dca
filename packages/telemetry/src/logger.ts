import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'
import { createLogWriter, type LogWriter } from './log-writer.ts'
import { redactMembers, redactText } from './redact.ts'
import { flushSamples, Sampler } from './sample-lines.ts'

/** A pino logger that writes JSON lines (P13, F10). */
export type Logger = PinoLogger

/** Log levels, from the most to the least verbose. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
/** The minimum level of a logger. */
export type LogLevel = (typeof LOG_LEVELS)[number]

const MAX_CAUSES = 5

const STDERR = 2
// All loggers of a process share one writer of standard error: two would interleave their lines.
let stderr: LogWriter | undefined

/**
 * Creates the JSON logger of a service. Writes to standard error without blocking. Masks secrets by
 * member name and by format, and samples repeated warnings and errors (see `Sampler`).
 * `destination` is for tests. Log an error as the member `err`.
 */
export function createLogger(options: {
  service: string
  level?: LogLevel
  region?: string
  destination?: DestinationStream
}): Logger {
  const { service, level = 'info', region = 'local', destination } = options
  const sampler = new Sampler()
  return pino(
    {
      level,
      base: { service, region },
      messageKey: 'message',
      errorKey: 'err',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: redactMembers,
      },
      serializers: { err: describeError },
      hooks: {
        streamWrite: redactText,
        logMethod(args, write, rank) {
          sampler.take({ logger: this, args, write }, rank)
        },
      },
    },
    destination ?? sharedStderr(),
  )
}

/** Writes the held and the buffered lines. Call it last when a process stops. */
export function flushLogs(): void {
  flushSamples()
  stderr?.flush()
}

/**
 * The logged members of an error. All others are left out, since they can contain requests, headers
 * and rows. A known fault, such as a lost connection, has no stack: where it was found explains
 * nothing. Includes up to five nested causes.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error
  const { code, retryable, constraint, detail, severity } = error as Error & {
    code?: unknown
    retryable?: unknown
    constraint?: unknown
    detail?: unknown
    severity?: unknown
  }
  // Only PostgreSQL's errors have a severity. Their detail quotes rows, with account numbers.
  const ownDetail = severity === undefined ? detail : undefined
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(ownDetail === undefined ? {} : { detail: ownDetail }),
    ...(isRetryable(error) ? {} : { stack: error.stack }),
    ...(error.cause !== undefined && depth < MAX_CAUSES
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
    ...(error instanceof AggregateError && depth < MAX_CAUSES
      ? { errors: error.errors.slice(0, MAX_CAUSES).map((one) => describeError(one, depth + 1)) }
      : {}),
  }
}

function sharedStderr(): LogWriter {
  if (stderr === undefined) {
    stderr = createLogWriter(STDERR)
    process.once('exit', flushLogs)
  }
  return stderr
}
