import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'
import { redactMembers, redactText } from './redact.ts'

/** What services log through: pino, JSON lines (P13, F10). */
export type Logger = PinoLogger

/** From the most to the least talkative. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const MAX_CAUSES = 5

type Stderr = ReturnType<typeof pino.destination>
// All loggers of a process share one writer of standard error: two would tear each other's lines.
let stderr: Stderr | undefined

/**
 * A JSON logger of one service. Lines go to standard error without blocking; secrets are masked by
 * name and by shape wherever they appear. An error is logged as `err`, with its code and causes.
 * `destination` is for tests.
 */
export function createLogger(options: {
  service: string
  level?: LogLevel
  region?: string
  destination?: DestinationStream
}): Logger {
  const { service, level = 'info', region = 'local', destination } = options
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
      hooks: { streamWrite: redactText },
    },
    destination ?? sharedStderr(),
  )
}

/** Writes out what is still buffered; call it last when a process stops. */
export function flushLogs(): void {
  // A writer whose file never opened has nothing to flush and says so by throwing.
  try {
    stderr?.flushSync()
  } catch {}
}

/**
 * What a log keeps of an error: its own members would drag in requests, headers and rows. Causes
 * are followed five deep.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error
  const { code, retryable, constraint, detail } = error as Error & {
    code?: unknown
    retryable?: unknown
    constraint?: unknown
    detail?: unknown
  }
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(retryable === undefined ? {} : { retryable }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(detail === undefined ? {} : { detail }),
    stack: error.stack,
    ...(error.cause !== undefined && depth < MAX_CAUSES
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
    ...(error instanceof AggregateError && depth < MAX_CAUSES
      ? { errors: error.errors.slice(0, MAX_CAUSES).map((one) => describeError(one, depth + 1)) }
      : {}),
  }
}

function sharedStderr(): Stderr {
  stderr ??= pino.destination({ dest: 2, sync: false })
  return stderr
}
