import { codeOf } from '@caudal/retry/connection-faults.ts'
import { pino, type LogFn, type Logger } from 'pino'

/** Lines of a kind that are written before the others are only counted. */
const LINES_AT_ONCE = 5
const WINDOW_MS = 10_000
/** Kinds come from the code, not from requests; this is for a mistake in the code. */
const MAX_KINDS = 1_000
/** The members that distinguish lines with the same message; none has unbounded values. */
const MEMBERS = ['peer', 'group', 'route', 'gauge', 'code', 'kind', 'outcome', 'error_class']

type Args = Parameters<LogFn>
type Line = { logger: Logger; args: Args; write: LogFn }
/** `left` is how many lines of the kind may still be written, `held` how many were not. */
type Kind = { left: number; held: number; last: Line | undefined; timer: NodeJS.Timeout }

/** All samplers that hold a line, for the end of the process. */
const holding = new Set<Sampler>()

/**
 * Samples warnings and errors, so that an outage does not fill the log. Of one kind (level,
 * message, code of the error, and a few members) the first five lines are written. Further ones are
 * counted: every ten seconds the last of them is written with `repeated`, the number of lines that
 * it stands for. After ten seconds without such a line, all are written again.
 */
export class Sampler {
  readonly #kinds = new Map<string, Kind>()

  /** Writes the line or counts it. */
  take(line: Line, level: number): void {
    const { logger, args, write } = line
    if (level < pino.levels.values['warn']! || level >= pino.levels.values['fatal']!) {
      write.apply(logger, args)
      return
    }
    const kind = this.#kindOf(args, level)
    if (kind.left > 0) {
      kind.left -= 1
      write.apply(logger, args)
      return
    }
    kind.held += 1
    kind.last = line
    holding.add(this)
  }

  /** Writes what is held. */
  flush(): void {
    for (const kind of this.#kinds.values()) writeHeld(kind)
    holding.delete(this)
  }

  #kindOf(args: Args, level: number): Kind {
    const wanted = nameOf(args, level)
    const name = this.#kinds.has(wanted) || this.#kinds.size < MAX_KINDS ? wanted : ''
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const timer = setInterval(() => this.#endWindow(name), WINDOW_MS)
      timer.unref()
      kind = { left: LINES_AT_ONCE, held: 0, last: undefined, timer }
      this.#kinds.set(name, kind)
    }
    return kind
  }

  #endWindow(name: string): void {
    const kind = this.#kinds.get(name)!
    if (kind.held > 0) {
      writeHeld(kind)
      return
    }
    clearInterval(kind.timer)
    this.#kinds.delete(name)
  }
}

/** Writes the lines that any logger of the process holds. */
export function flushSamples(): void {
  for (const sampler of holding) sampler.flush()
}

function writeHeld(kind: Kind): void {
  const { last, held } = kind
  kind.last = undefined
  kind.held = 0
  if (last === undefined) return
  const { logger, args, write } = last
  const [first, ...rest] = args as unknown as [unknown, ...unknown[]]
  const repeated = { repeated: held }
  const line = isMembers(first) ? [{ ...first, ...repeated }, ...rest] : [repeated, first, ...rest]
  write.apply(logger, line as unknown as Args)
}

function nameOf(args: Args, level: number): string {
  const [first, message] = args as unknown as [unknown, unknown]
  if (!isMembers(first)) return `${level} ${textOf(first)}${kindOfError(first)}`
  const parts = MEMBERS.map((member) => textOf(first[member]))
  return [level, message, kindOfError(first['err']), ...parts].join(' ')
}

function kindOfError(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return codeOf(error) || error.name
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Error)
}
