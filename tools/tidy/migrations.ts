import { createHash } from 'node:crypto'
import type { SourceFile } from './source-tree.ts'

/** The checksums of the migrations that have landed, as `sha256sum` writes them. */
export const CHECKSUMS = 'tools/migrations.sha256'
/** Adds the checksums of new migrations. */
export const RECORD = 'npm run record-migrations'

/** Whether a file is a migration: in a folder `migrations`, or in one of the sets below it. */
export function isMigration(path: string): boolean {
  return /(^|\/)migrations\/([^/]+\/)?[^/]+\.sql$/.test(path)
}

/** A migration that has landed has run somewhere: it is never changed, and a new one follows it. */
export function findChangedMigrations(files: SourceFile[]): string[] {
  const recorded = recordedIn(files)
  const found = checksumsOf(files)
  return [
    ...[...recorded].flatMap(([path, checksum]) => {
      if (!found.has(path)) return [`${path}: has landed and cannot be removed`]
      const isSame = found.get(path) === checksum
      return isSame ? [] : [`${path}: has landed and cannot be changed: write a new migration`]
    }),
    ...[...found.keys()]
      .filter((path) => !recorded.has(path))
      .map((path) => `${path}: is not in ${CHECKSUMS}; add it by ${RECORD}`),
  ]
}

/**
 * The text of the list with the new migrations added, sorted by path. Throws when a migration of
 * the list was changed or is gone.
 */
export function recordMigrations(files: SourceFile[]): string {
  const recorded = recordedIn(files)
  const found = checksumsOf(files)
  const changed = [...recorded].filter(([path, checksum]) => found.get(path) !== checksum)
  if (changed.length > 0) {
    const paths = changed.map(([path]) => path).join(', ')
    throw new Error(`these migrations have landed and cannot be changed or removed: ${paths}`)
  }
  const lines = [...found].toSorted(([left], [right]) => (left < right ? -1 : 1))
  return lines.map(([path, checksum]) => `${checksum}  ${path}\n`).join('')
}

function recordedIn(files: SourceFile[]): Map<string, string> {
  const list = files.find(({ path }) => path === CHECKSUMS)?.text ?? ''
  const lines = [...list.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)]
  return new Map(lines.map(([, checksum = '', path = '']) => [path, checksum]))
}

function checksumsOf(files: SourceFile[]): Map<string, string> {
  const migrations = files.filter(({ path }) => isMigration(path))
  return new Map(migrations.map(({ path, text }) => [path, sha256(text)]))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
