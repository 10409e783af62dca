import { isMigration } from './migrations.ts'
import type { SourceFile } from './source-tree.ts'

const VAGUE_FOLDERS = new Set(
  'common utils util helpers helper models model types lib misc shared'.split(' '),
)
/** What a service is made of, besides its folders. */
const ROOT_FILES = 'main config migrations process-batch observe'.split(' ')
/** They join what several folders offer, as main.ts does, and are too long for it. */
const MORE_ROOT_FILES = [
  'services/api-gateway/src/open-peers.ts',
  'services/wallets/src/order-by.ts',
]
const ROOT_FILE = /^services\/[^/]+\/src\/([^/]+?)(?:\.test)?\.ts$/
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/
const MIGRATION = /\/(\d{4})_[a-z0-9]+(_[a-z0-9]+)*\.sql$/

/** A barrel hides where things live and makes import cycles: no file is called index. */
export function findBarrels(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => /(^|\/)index\.(ts|tsx|js)$/.test(path))
    .map(({ path }) => `${path}: import each file by its own name instead of through a barrel`)
}

/** A folder is a business word; one called after nothing collects everything. */
export function findVagueFolders(files: SourceFile[]): string[] {
  const mistakes = files.flatMap(({ path }) => {
    const vague = foldersOf(path).find((folder) => VAGUE_FOLDERS.has(folder))
    return vague === undefined ? [] : [`${path}: name the folder ${vague} after what is in it`]
  })
  return mistakes
}

/** Beside the folders of a service are its composition and its spine; the rest is in a folder. */
export function findLooseFiles(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => {
      const name = ROOT_FILE.exec(path)?.[1]
      if (name === undefined || MORE_ROOT_FILES.includes(path)) return false
      return !ROOT_FILES.includes(name)
    })
    .map(({ path }) => `${path}: put the file into the folder of its slice`)
}

/** Code files and their folders are kebab-case: `save-decision.ts`. */
export function findOddNames(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => /\.(ts|tsx|js)$/.test(path))
    .filter(({ path }) => {
      const names = [...foldersOf(path), ...fileName(path).split('.')]
      return names.some((name) => !KEBAB.test(name))
    })
    .map(({ path }) => `${path}: file and folder names are kebab-case`)
}

/**
 * Migrations are `0001_create_ledger.sql` and up, one of each number. Numbers may be left out, so
 * that changes made side by side need not agree on the next one.
 */
export function findMigrationRepeats(files: SourceFile[]): string[] {
  const mistakes: string[] = []
  const numbers = new Map<string, number[]>()
  for (const { path } of files) {
    if (!isMigration(path)) continue
    const number = MIGRATION.exec(path)?.[1]
    if (number === undefined) {
      mistakes.push(`${path}: a migration is called 0001_what_it_does.sql`)
      continue
    }
    const folder = foldersOf(path).join('/')
    numbers.set(folder, [...(numbers.get(folder) ?? []), Number(number)])
  }
  for (const [folder, found] of numbers) {
    const repeated = new Set(found).size < found.length
    if (repeated || !found.includes(1)) {
      mistakes.push(`${folder}: migrations begin with 0001, and no number is there twice`)
    }
  }
  return mistakes
}

function foldersOf(path: string): string[] {
  return path
    .split('/')
    .slice(0, -1)
    .filter((folder) => !folder.startsWith('.'))
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
