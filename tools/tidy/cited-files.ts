import { posix } from 'node:path'
import { linesOf, type SourceFile } from './source-tree.ts'

/** A name of a file, with folders or without; `*` and `<name>` stand for one name. */
const FILE_NAME =
  /(?<![\w./:@$-])(?:[\w.<>*-]+\/)*[\w.<>*-]+\.(?:ts|tsx|js|md|sql|sh|svg)(?![\w/-])/g
const LINK = /\]\(([^)\s]+)\)/g
const ADDRESS = /\b[a-z]+:\/\/\S+/g
const CODE_BLOCK = /^```[^\n]*\n.*?^```/gms
/** A comment of TypeScript, SQL, or YAML and shell. */
const COMMENTS: readonly [RegExp, RegExp][] = [
  [/\.(ts|tsx|js)$/, /(?:^\s*(?:\/\*\*|\*)|(?:^|\s)\/\/)(.*)$/],
  [/\.sql$/, /(?:^|\s)--(.*)$/],
  [/\.(ya?ml|sh)$/, /(?:^|\s)#(.*)$/],
]
/** What has landed is never edited, also when a file that it cites moves. */
const LANDED = /\/migrations\//

/**
 * Every file that a document or a comment cites exists, so that nothing outside the repository is
 * needed to understand it. A link is relative to its document. A name in its text or in a comment
 * may leave out leading folders (`src/main.ts`); examples in code blocks are not citations.
 */
export function findLostCitations(files: SourceFile[]): string[] {
  const places = new Set(files.flatMap(({ path }) => withParents(path)))
  const endings = new Set([...places].flatMap(endingsOf))
  return files.flatMap((file) => {
    if (file.path.endsWith('.md')) return findInDocument(file, places, endings)
    if (LANDED.test(file.path)) return []
    const comment = COMMENTS.find(([names]) => names.test(file.path))?.[1]
    if (!comment) return []
    return linesOf(file).flatMap(({ line, number }) =>
      lostNames(comment.exec(line)?.[1] ?? '', endings).map(
        (name) => `${file.path}:${number}: cites ${name}, which does not exist`,
      ),
    )
  })
}

function findInDocument(
  { path, text }: SourceFile,
  places: ReadonlySet<string>,
  endings: ReadonlySet<string>,
): string[] {
  const prose = text.replaceAll(CODE_BLOCK, (block) => block.replaceAll(/[^\n]/g, ''))
  return linesOf({ path, text: prose }).flatMap(({ line, number }) => {
    const links = [...line.matchAll(LINK)].map(([, link = '']) => link.replace(/#.*$/, ''))
    const lostLinks = links.filter((link) => {
      if (link === '' || /^[a-z]+:/.test(link)) return false
      const target = posix.normalize(posix.join(posix.dirname(path), link)).replace(/\/$/, '')
      return target !== '.' && !places.has(target)
    })
    const lost = [...lostLinks, ...lostNames(line.replaceAll(LINK, ']'), endings)]
    return lost.map((name) => `${path}:${number}: cites ${name}, which does not exist`)
  })
}

function lostNames(text: string, endings: ReadonlySet<string>): string[] {
  const names = [...text.replaceAll(ADDRESS, '').matchAll(FILE_NAME)].map(([name]) => name)
  return names.filter((name) => {
    if (/^\*?\.|^[A-Z]\w*\.js$/.test(name)) return false // an ending such as *.test.ts, or Node.js
    const plain = name.replace(/^(?:\.\.?\/)+/, '')
    if (!/[*<]/.test(plain)) return !endings.has(plain)
    const escaped = plain.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`^${escaped.replaceAll(/\*+|<[^>]*>/g, '[^/]+')}$`)
    return ![...endings].some((ending) => pattern.test(ending))
  })
}

/** The path and every folder above it. */
function withParents(path: string): string[] {
  const found: string[] = []
  for (let place = path; place !== '.'; place = posix.dirname(place)) found.push(place)
  return found
}

/** The path, and what is left of it without its first folder, its first two, … */
function endingsOf(path: string): string[] {
  const names = path.split('/')
  return names.map((_, index) => names.slice(index).join('/'))
}
