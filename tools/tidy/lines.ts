import { linesOf, type SourceFile } from './source-tree.ts'

const MAX_LINE = 100
/** An address cannot be broken, and the formatter keeps the title of a test on its first line. */
const UNBREAKABLE = /https?:\/\/\S{60}|^\s*(?:test|it|describe)\(/

/** Code lines end by column 100. */
export function findLongLines(files: SourceFile[]): string[] {
  return findLines(
    files,
    /\.(ts|tsx|js|sql)$/,
    (line) => line.length > MAX_LINE && !UNBREAKABLE.test(line),
    `lines end by column ${MAX_LINE}`,
  )
}

/** A path of one machine means nothing on another. */
export function findMachinePaths(files: SourceFile[]): string[] {
  return findLines(
    files,
    /./,
    (line) => /(?<![\w.~}-])\/(?:work|root|home\/\w+|Users\/\w+)\//.test(line),
    'names a path of one machine',
  )
}

/** An open end belongs in an issue, where contributors look for it. */
export function findOpenEnds(files: SourceFile[]): string[] {
  return findLines(
    files,
    /\.(ts|tsx|js|sql|sh|ya?ml)$|^\.ci\/run$/,
    (line) => /\b(?:TO[D]O|FIX[M]E)\b/.test(line),
    'do it now or open an issue',
  )
}

/** A lint rule is switched off only with a reason, after two dashes. */
export function findBareDisables(files: SourceFile[]): string[] {
  return findLines(
    files,
    /\.(ts|tsx|js)$/,
    (line) => /(?:oxlint|eslint)-disable/.test(line) && !/-disable\S* \S+ -- \S/.test(line),
    'say after two dashes why the rule is wrong here',
  )
}

function findLines(
  files: SourceFile[],
  paths: RegExp,
  isBad: (line: string) => boolean,
  sentence: string,
): string[] {
  return files
    .filter(({ path }) => paths.test(path))
    .flatMap((file) =>
      linesOf(file)
        .filter(({ line }) => isBad(line))
        .map(({ number }) => `${file.path}:${number}: ${sentence}`),
    )
}
