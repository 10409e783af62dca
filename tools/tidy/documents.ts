import { posix } from 'node:path'
import type { SourceFile } from './source-tree.ts'

const ARCHITECTURE = 'ARCHITECTURE.md'
const ERROR_CODES = 'packages/contracts/src/error-codes.ts'
const ERRORS = 'docs/reference/errors.md'
const PROMISES = 'docs/promises.md'
const KNOWN_ENDINGS = /\.(ts|tsx|js|md|sql|json|ya?ml|sh|txt)$/

/**
 * Every path that ARCHITECTURE.md names (in code marks, in code blocks, in links) exists. A path
 * may start anywhere below the root (`src/main.ts`) and have `*` or `<name>` for one name.
 */
export function findLostPaths(files: SourceFile[]): string[] {
  const document = files.find(({ path }) => path === ARCHITECTURE)
  if (!document) return [`${ARCHITECTURE} is missing`]
  const places = placesOf(files)
  const topFolders = new Set(files.map(({ path }) => path.split('/', 1)[0] ?? ''))
  return pathsIn(document.text, topFolders)
    .filter((path) => !places.some((place) => pathPattern(path).test(place)))
    .map((path) => `${ARCHITECTURE}: ${path} does not exist`)
}

/** The errors' reference has every code of the contracts with its status, and no other code. */
export function findErrorDrift(files: SourceFile[]): string[] {
  const source = files.find(({ path }) => path === ERROR_CODES)
  const document = files.find(({ path }) => path === ERRORS)
  if (!source || !document) return [`${ERROR_CODES} or ${ERRORS} is missing`]
  const codes = pairs(source.text, /^\s+([A-Z][A-Z_]+): \{ status: (\d{3})/gm)
  const documented = pairs(document.text, /^\| `([A-Z][A-Z_]+)` +\| (\d{3}) /gm)
  return [
    ...minus(codes, documented).map((code) => `${ERRORS}: lacks ${code}`),
    ...minus(documented, codes).map((code) => `${ERRORS}: ${code} is not in ${ERROR_CODES}`),
  ]
}

/**
 * Every row `| id | promise | shown by |` of docs/promises.md names test files (in code marks, from
 * the root, or as links) that exist and mention the row's id. A rule of the core has the id `rule
 * 1` and so on.
 */
export function findUnshownPromises(files: SourceFile[]): string[] {
  const document = files.find(({ path }) => path === PROMISES)
  if (!document) return [`${PROMISES} is missing`]
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const rows = [...document.text.matchAll(/^\| *([A-Z]\d+[a-z]?|rule \d+) *\|(.*)\|([^|]*)\| *$/gm)]
  if (rows.length === 0) return [`${PROMISES}: has no row of the form | id | promise | shown by |`]
  return rows.flatMap(([, id = '', , shownBy = '']) => {
    const paths = testPathsIn(shownBy)
    if (paths.length === 0) return [`${PROMISES}: ${id} names no test file`]
    return paths.flatMap((path) => {
      const text = texts.get(path)
      if (text === undefined) return [`${PROMISES}: ${id} is shown by ${path}, which is missing`]
      const mentions = new RegExp(`\\b${id}\\b`).test(text)
      return mentions ? [] : [`${PROMISES}: ${path} does not mention ${id}`]
    })
  })
}

function placesOf(files: SourceFile[]): string[] {
  const places = new Set<string>()
  for (const { path } of files) {
    for (let place = path; place !== '.'; place = posix.dirname(place)) places.add(place)
  }
  return [...places]
}

function pathsIn(text: string, topFolders: Set<string>): string[] {
  const blocks = [...text.matchAll(/^```[^\n]*\n(.*?)^```/gms)].map(([, block = '']) => block)
  const prose = text.replaceAll(/^```[^\n]*\n.*?^```/gms, '')
  const marked = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  const links = [...prose.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
  const words = [...marked, ...blocks.flatMap((block) => block.split(/[\s│├└─]+/))]
  const named = words.filter((word) => isPath(word, topFolders)).concat(links)
  return [...new Set(named.map((path) => path.replace(/^\.\//, '').replace(/\/$/, '')))]
}

function isPath(word: string, topFolders: Set<string>): boolean {
  if (!/^[\w.*<>-]+(?:\/[\w.*<>-]+)*\/?$/.test(word)) return false
  const first = word.split('/', 1)[0] ?? ''
  const nested = word.includes('/') && (topFolders.has(first) || first === 'src')
  return nested || KNOWN_ENDINGS.test(word) || /^[\w-]+\/$/.test(word)
}

function pathPattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(^|/)${escaped.replaceAll(/\*+|<[^>]*>/g, '[^/]+')}$`)
}

function testPathsIn(cell: string): string[] {
  const links = [...cell.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) =>
    posix.normalize(posix.join('docs', link)),
  )
  const marked = [...cell.matchAll(/`([^`]+\.ts)`/g)].map(([, path = '']) => path)
  return links.length > 0 ? links : marked
}

function pairs(text: string, pattern: RegExp): Set<string> {
  return new Set([...text.matchAll(pattern)].map(([, code, status]) => `${code} ${status}`))
}

function minus(left: Set<string>, right: Set<string>): string[] {
  return [...left].filter((each) => !right.has(each))
}
