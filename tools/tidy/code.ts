import { readCode } from './read-code.ts'
import { linesOf, type SourceFile } from './source-tree.ts'

const SOURCES = /^(?:(?:packages|services|simulators)\/[^/]+|cli)\/src\/.*(?<!\.test)\.ts$/
const TOOLS = /^tools\/(?!fixtures\/).*(?<!\.test)\.ts$/
const EXPORTED = /^export (?:async )?(?:function\*? |class |abstract class |const )(\w+)/
/** What follows `export const name` if it is a function; the parentheses may span lines. */
const ARROW = /^[^=]*= (?:async )?(?:\w+ =>|(?:<[^=]*>)?\([^]*?\)(?:: [^=\n]+)? =>)/
const SCOPES = 'packages/contracts/src/scopes.ts'
const LOGGER_CALL = /\b(?:log|logger)\.(?:trace|debug|info|warn|error|fatal)\(\s*\{/g

/** Every exported function and class of the product and its tools has a docstring. */
export function findUndocumentedExports(files: SourceFile[]): string[] {
  return files.filter(({ path }) => SOURCES.test(path) || TOOLS.test(path)).flatMap(undocumentedIn)
}

function undocumentedIn(file: SourceFile): string[] {
  const lines = linesOf(file)
  const documented = new Set<string>()
  return lines.flatMap(({ line, number }) => {
    const name = EXPORTED.exec(line)?.[1]
    if (name === undefined || documented.has(name)) return []
    const rest = lines.slice(number - 1).map((each) => each.line)
    if (line.startsWith('export const') && !isFunction(rest.join('\n'))) return []
    let above = number - 2
    while (lines[above]?.line.startsWith('//')) above -= 1
    // The next signature of an overloaded function needs none of its own.
    documented.add(name)
    if (lines[above]?.line.endsWith('*/')) return []
    return [`${file.path}:${number}: say in a docstring what ${name} does`]
  })
}

function isFunction(text: string): boolean {
  const statement = text.split(/\n(?=[a-z/])/, 1)[0] ?? ''
  return ARROW.test(statement.replace(/^export const /, ''))
}

/** Parameters of SQL are numbered by the `sql` template as soon as they are hard to count. */
export function findHandNumberedParameters(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith('.ts') && !path.startsWith('tools/tidy/'))
    .flatMap((file) =>
      linesOf(file)
        .filter(({ line }) => /\$[1-9]\d+\b/.test(line))
        .map(
          ({ number }) =>
            `${file.path}:${number}: number these parameters by sql of @caudal/postgres/sql.ts`,
        ),
    )
}

/** In calls of a logger an error is called `err`, and nothing else: searches rely on it. */
export function findMisnamedErrors(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith('.ts') && !path.startsWith('tools/tidy/'))
    .flatMap(({ path, text }) => {
      const { code } = readCode(text)
      return [...code.matchAll(LOGGER_CALL)]
        .filter((call) => membersOf(code, call.index + call[0].length).includes('error'))
        .map((call) => `${path}:${lineAt(code, call.index)}: an error is logged as err`)
    })
}

/** The names of the members of the object literal whose opening brace ends at `start`. */
function membersOf(code: string, start: number): string[] {
  let depth = 0
  let members = ''
  for (let at = start; at < code.length && depth >= 0; at += 1) {
    const character = code[at] ?? ''
    if ('([{'.includes(character)) depth += 1
    else if (')]}'.includes(character)) depth -= 1
    else if (depth === 0) members += character
  }
  return members.split(',').map((member) => member.split(':', 1)[0]?.trim() ?? '')
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

/** A scope is written in the list of the contracts, and elsewhere named by its member. */
export function findHardCodedScopes(files: SourceFile[]): string[] {
  const list = files.find(({ path }) => path === SCOPES)
  if (list === undefined) return [`${SCOPES} is missing`]
  const scopes = new Set(textsOf(list).filter((text) => /^[a-z_-]+:[a-z_-]+$/.test(text)))
  if (scopes.size === 0) return [`${SCOPES}: has no scope of the form 'word:word'`]
  return files
    .filter(({ path }) => SOURCES.test(path) && path !== SCOPES)
    .flatMap(({ path, text }) =>
      readCode(text).texts.flatMap((quoted) =>
        quoted.text
          .split(/\s+/)
          .filter((word) => scopes.has(word))
          .map((scope) => `${path}:${quoted.line}: name ${scope} by SCOPES of ${SCOPES}`),
      ),
    )
}

function textsOf(file: SourceFile): string[] {
  return readCode(file.text).texts.map(({ text }) => text)
}
