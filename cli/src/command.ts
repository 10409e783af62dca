import type { ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

/** What `--name value` gave, by name; a flag is true. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

export type Invocation = {
  positionals: readonly string[]
  values: Values
  /** One JSON document on stdout and nothing else there. */
  json: boolean
  dataDir: string
  url: string | undefined
}

/** One command of `caudal`; `run` resolves to the exit code. */
export type Command = {
  summary: string
  usage: string
  options: Options
  /** How many words may follow the command. */
  positionals: { min: number; max: number }
  run(invocation: Invocation): Promise<number>
}
