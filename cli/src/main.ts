import { resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import type { CliCommand, Invocation } from './command.ts'
import { demo } from './commands/demo.ts'
import { dlq } from './commands/dlq.ts'
import { moveLog } from './commands/move-log.ts'
import { pay } from './commands/pay.ts'
import { payment } from './commands/payment.ts'
import { rebuild } from './commands/rebuild.ts'
import { seed } from './commands/seed.ts'
import { start } from './commands/start.ts'
import { token } from './commands/token.ts'
import { verify } from './commands/verify.ts'
import { EXIT, UnreachableError, UsageError } from './errors.ts'
import { note } from './output.ts'
import { textOption } from './parse-options.ts'

const COMMANDS = new Map<string, CliCommand>(
  Object.entries({
    start,
    seed,
    token,
    pay,
    payment,
    demo,
    verify,
    rebuild,
    dlq,
    'move-log': moveLog,
  }),
)

const COMMON: NonNullable<ParseArgsConfig['options']> = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  data: { type: 'string' },
}

/** Runs one command and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args
  if (name === 'help' || name === '--help' || name === '-h') return help()
  const command = COMMANDS.get(name)
  if (!command) throw new UsageError(`unknown command "${name}"; see "caudal --help"`)
  const invocation = parse(name, command, rest)
  return invocation === 'help' ? helpOf(name, command) : command.run(invocation)
}

function parse(name: string, command: CliCommand, args: readonly string[]): Invocation | 'help' {
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: [...args],
      options: { ...COMMON, ...command.options },
      allowPositionals: true,
    })
  } catch (error) {
    const sentence = error instanceof Error ? error.message.split(/\.?\n|\. /)[0] : 'wrong usage'
    throw new UsageError(`${sentence}; see "caudal ${name} --help"`, { cause: error })
  }
  const values = parsed.values as Invocation['values']
  if (values['help'] === true) return 'help'
  const { min, max } = command.positionals
  const { positionals } = parsed
  if (positionals.length < min || positionals.length > max) {
    throw new UsageError(`usage: caudal ${command.usage}`)
  }
  return {
    positionals,
    values,
    json: values['json'] === true,
    // An empty value would mean the current folder, which --fresh would then delete.
    dataDir: resolve(textOption(values, 'data', process.env['CAUDAL_DATA'] || '.caudal')),
    url: gatewayUrl(values['url']),
  }
}

function gatewayUrl(given: Invocation['values'][string]): string | undefined {
  const url = typeof given === 'string' ? given : process.env['CAUDAL_API_GATEWAY_URL'] || undefined
  if (url === undefined) return undefined
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '')
  throw new UsageError('--url must begin with http:// or https://')
}

function help(): number {
  const lines = [...COMMANDS.values()].map(
    ({ usage, summary }) => `  caudal ${usage}\n      ${summary}`,
  )
  const motto = 'Caudal: payments that are never lost and never made twice.'
  process.stdout.write(`${motto}\n\n${lines.join('\n')}\n\n${COMMON_HELP}`)
  return EXIT.done
}

function helpOf(name: string, { summary, usage }: CliCommand): number {
  process.stdout.write(`caudal ${name}: ${summary}\n\n  caudal ${usage}\n\n${COMMON_HELP}`)
  return EXIT.done
}

const COMMON_HELP = `Options of every command:
  --json        print one JSON document on stdout, everything else on stderr
  --data DIR    the system's data directory (default .caudal)
  --url URL     the address of the system's gateway, if not the one in the data directory
  --help        print the help of a command
Exit codes: 0 success, 1 failure or a negative result, 2 wrong usage, 3 system unreachable.
`

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof UnreachableError) return EXIT.unreachable
  return EXIT.no
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  note(`caudal: ${error instanceof Error ? error.message : String(error)}`)
  if (process.env['CAUDAL_DEBUG'] && error instanceof Error) note(error.stack ?? '')
  process.exitCode = exitCodeOf(error)
}
