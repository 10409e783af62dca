import type { CliCommand, Options } from './command.ts'
import { COMMON_OPTIONS } from './common-options.ts'

const MOTTO = 'Caudal: payments that are never lost and never made twice.'
const WIDTH = 92

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'success'],
  ['1', 'the answer is no: a violation, a failed payment, a refusal'],
  ['2', 'wrong usage or configuration'],
  ['3', 'no answer: the system is unreachable or unavailable, or the command itself failed'],
]

/** The help of `caudal`: its commands, and what all of them have in common. */
export function helpOfAll(commands: readonly CliCommand[]): string {
  const lines = commands.flatMap(({ usage, summary }) => [`  caudal ${usage}`, ...wrap(summary, 6)])
  const more = [
    '"caudal COMMAND --help" explains the options of a command, "caudal --version" prints the',
    'version.',
  ]
  return `${[MOTTO, '', ...lines, '', ...more, '', ...common()].join('\n')}\n`
}

/** The help of one command: its arguments and what each option means. */
export function helpOfCommand(name: string, command: CliCommand): string {
  const { summary, usage, options, arguments: words = [] } = command
  const own = rowsOf(options)
  const sections = [
    ...(words.length > 0 ? ['', 'Arguments:', ...table(words)] : []),
    ...(own.length > 0 ? ['', 'Options:', ...table(own)] : []),
  ]
  const head = [...wrap(`caudal ${name}: ${summary}`, 0), '', ...wrap(`caudal ${usage}`, 2)]
  return `${[...head, ...sections, '', ...common()].join('\n')}\n`
}

function common(): string[] {
  const codes = ['Exit codes:', ...table(EXIT_CODES)]
  return ['Options of every command:', ...table(rowsOf(COMMON_OPTIONS)), '', ...codes]
}

function rowsOf(options: Options): [string, string][] {
  return Object.entries(options).map(([option, { value, about }]) => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    about,
  ])
}

/** Two columns; a long explanation continues below its beginning. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 4
  return rows.flatMap(([name, about]) => {
    const [first = '', ...rest] = wrap(about, width)
    return [`  ${name}`.padEnd(width) + first.trimStart(), ...rest]
  })
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && indent + last.length + 1 + word.length <= WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(word)
    }
  }
  return lines.map((line) => ' '.repeat(indent) + line)
}
