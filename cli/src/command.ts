import type { ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/** The option values by name; a flag is true. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** The parsed arguments of one call of a command. */
export type Invocation = {
  positionals: readonly string[]
  values: Values
  /** Print one JSON document on stdout, and nothing else there. */
  json: boolean
  dataDir: string
  url: string | undefined
}

/** One command of `caudal`; `run` resolves to the exit code. */
export type CliCommand = {
  summary: string
  usage: string
  options: Options
  /** The number of positional arguments. */
  positionals: { min: number; max: number }
  run(invocation: Invocation): Promise<number>
}
