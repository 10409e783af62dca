type Env = Readonly<Record<string, string | undefined>>

/** The configuration is wrong. Names every variable that is missing or wrong, and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly retryable = false
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((one) => `  ${one}`).join('\n')}`)
    this.problems = problems
  }
}

/** Reads variables one by one. A fallback makes one optional; an empty one counts as absent. */
export interface EnvironmentReader {
  text(name: string, fallback?: string): string
  optional(name: string): string | undefined
  /** Like text; at least 8 characters by default. */
  secret(name: string, fallback?: string, minLength?: number): string
  /** 0-65535; 0 takes a free port. */
  port(name: string, fallback?: number): number
  integer(name: string, range: { min: number; max: number }, fallback?: number): number
  /** Without a slash at the end. `protocols` is `['http', 'https']` by default. */
  url(name: string, fallback?: string, protocols?: readonly string[]): string
  /** `250ms`, `5s`, `2m`, `1h`, or a plain number of milliseconds. */
  durationMs(name: string, fallback?: number): number
  oneOf<T extends string>(name: string, values: readonly T[], fallback?: T): T
  flag(name: string, fallback?: boolean): boolean
  /** Reports a variable as wrong for a reason that only the caller can check. */
  refuse(name: string, reason: string): void
}

const DURATION = /^(\d{1,12})(ms|s|m|h)?$/
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const MAX_PORT = 65_535
const MIN_SECRET_LENGTH = 8
const HTTP = ['http', 'https']

/**
 * Reads a configuration from environment variables. `read` takes all of them before anything is
 * reported, so that the ConfigError it throws names every bad one.
 */
export function readEnvironment<C>(env: Env, read: (reader: EnvironmentReader) => C): C {
  const problems: string[] = []
  const config = read(createReader(env, problems))
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
  return config
}

function createReader(env: Env, problems: string[]): EnvironmentReader {
  const refuse = (name: string, reason: string): void => void problems.push(`${name} ${reason}`)
  // A bad variable is noted and read as a placeholder; the error hides it from the caller.
  function value<T>(
    name: string,
    fallback: T | undefined,
    placeholder: T,
    parse: (text: string) => T | string[],
  ): T {
    const text = env[name]
    if (text === undefined || text === '') {
      if (fallback === undefined) refuse(name, 'is missing')
      return fallback ?? placeholder
    }
    const parsed = parse(text)
    if (!Array.isArray(parsed)) return parsed
    refuse(name, parsed.join(' '))
    return placeholder
  }
  const integer: EnvironmentReader['integer'] = (name, { min, max }, fallback) =>
    value(name, fallback, min, (text) => {
      const number = Number(text)
      const fits = /^-?\d{1,15}$/.test(text) && number >= min && number <= max
      return fits ? number : [`must be an integer from ${min} to ${max}`]
    })
  return {
    refuse,
    integer,
    text: (name, fallback) => value(name, fallback, '', (text) => text),
    optional: (name) => (env[name] === '' ? undefined : env[name]),
    secret: (name, fallback, minLength = MIN_SECRET_LENGTH) =>
      value(name, fallback, '', (text) =>
        text.length >= minLength ? text : [`must have at least ${minLength} characters`],
      ),
    port: (name, fallback) => integer(name, { min: 0, max: MAX_PORT }, fallback),
    url: (name, fallback, protocols = HTTP) =>
      value(name, fallback, '', (text) => readUrl(text, protocols)),
    durationMs: (name, fallback) => value(name, fallback, 0, readDuration),
    oneOf: (name, values, fallback) =>
      value(name, fallback, values[0] as (typeof values)[number], (text) => {
        const known = values.find((one) => one === text)
        return known ?? [`must be one of ${values.join(', ')}`]
      }),
    flag: (name, fallback) =>
      value(name, fallback, false, (text) => {
        if (text === 'true' || text === 'false') return text === 'true'
        return ['must be true or false']
      }),
  }
}

function readUrl(text: string, protocols: readonly string[]): string | string[] {
  const protocol = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : ''
  if (protocols.includes(protocol)) return text.replace(/\/+$/, '')
  return [`must be a URL starting with ${protocols.map((one) => `${one}://`).join(' or ')}`]
}

function readDuration(text: string): number | string[] {
  const match = DURATION.exec(text)
  if (match === null) return ['must be a duration such as 250ms, 5s or 2m']
  const unit = (match[2] ?? 'ms') as keyof typeof UNIT_MS
  return Number(match[1]) * UNIT_MS[unit]
}
