import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readSecretFiles } from '@caudal/config/secret-files.ts'
import { versionOfCaudal } from '@caudal/telemetry/version.ts'
import { COMMAND_NAMES, findCommand } from './command-list.ts'
import type { CliCommand, Invocation } from './command.ts'
import { COMMON_OPTIONS } from './common-options.ts'
import { UsageError } from './errors.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { helpOfAll, helpOfCommand } from './help.ts'
import { note, printJson, printLine, surviveLostReaders } from './output.ts'
import { textOption } from './parse-options.ts'

/** Runs one command and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args
  if (name === '--version' || name === '-v') return version(rest.includes('--json'))
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0])
  const command = await known(name)
  const invocation = parse(name, command, rest)
  if (invocation === 'help') return help(name)
  Object.assign(process.env, readSecretFiles(process.env))
  return command.run(invocation)
}

/** @throws {UsageError} */
async function known(name: string): Promise<CliCommand> {
  const command = await findCommand(name)
  if (command) return command
  throw new UsageError(`unknown command "${name}"; see "caudal --help"`)
}

function parse(name: string, command: CliCommand, args: readonly string[]): Invocation | 'help' {
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ...command.options },
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

/** Prints the help of one command, or of all. */
async function help(name: string | undefined): Promise<number> {
  if (name !== undefined && !name.startsWith('-')) {
    process.stdout.write(helpOfCommand(name, await known(name)))
    return EXIT.done
  }
  process.stdout.write(helpOfAll(await Promise.all(COMMAND_NAMES.map(known))))
  return EXIT.done
}

function version(json: boolean): number {
  const found = versionOfCaudal()
  if (json) printJson({ version: found })
  printLine(found, { json })
  return EXIT.done
}

surviveLostReaders()
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  note(`caudal: ${error instanceof Error ? error.message : String(error)}`)
  if (process.env['CAUDAL_DEBUG'] && error instanceof Error) note(error.stack ?? '')
  process.exitCode = exitCodeOf(error)
}
