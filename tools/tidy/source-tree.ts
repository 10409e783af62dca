import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

/** A text file of the repository: its path from the root, with forward slashes, and its text. */
export interface SourceFile {
  path: string
  text: string
}

/** What is not ours to keep tidy: installed, generated, local, or wrong on purpose. */
const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.caudal', 'dist', 'tools/fixtures'])
const TEXT = new Set(
  '.ts .tsx .js .json .md .sql .sh .yaml .yml .css .html .svg .tf .tpl .txt .sha256'.split(' '),
)
const TEXT_NAMES = new Set(['.gitignore', '.npmrc', 'LICENSE', 'Dockerfile', '.ci/run'])

/** Reads every text file below the root, sorted by path. Throws what the file system throws. */
export function readTree(root: string): SourceFile[] {
  return listFiles(root, root).map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }))
}

function listFiles(root: string, folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = relative(root, join(folder, entry.name)).split(sep).join('/')
    if (SKIPPED_FOLDERS.has(entry.name) || SKIPPED_FOLDERS.has(path)) continue
    if (entry.isDirectory()) found.push(...listFiles(root, join(folder, entry.name)))
    else if (entry.isFile() && isText(path, entry.name)) found.push(path)
  }
  return found.toSorted()
}

function isText(path: string, name: string): boolean {
  return TEXT.has(extname(name)) || TEXT_NAMES.has(name) || TEXT_NAMES.has(path)
}

/** Every line of the file with its number, counted from 1. */
export function linesOf(file: SourceFile): { line: string; number: number }[] {
  return file.text.split('\n').map((line, index) => ({ line, number: index + 1 }))
}
