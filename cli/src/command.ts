/** One option of a command, with its text in the help. */
export type CommandOption = {
  type: 'string' | 'boolean'
  /** The name of the value in the help, such as `SECONDS`; none for a flag. */
  value?: string
  /** A letter that means the same, such as `h` for `-h`. */
  short?: string
  /** What the option means, and its default. */
  about: string
}

/** The options of a command by name, in the order of its help. */
export type Options = Readonly<Record<string, CommandOption>>

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
  /** Its arguments and what they mean, such as `['ID', 'the payment']`. */
  arguments?: readonly (readonly [string, string])[]
  options: Options
  /** The number of positional arguments. */
  positionals: { min: number; max: number }
  run(invocation: Invocation): Promise<number>
}
