import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The hash of the last commit whose subject is history and is not looked at, nor those before. */
export const BASE_FILE = 'tools/commit-subjects.base'
/** As much as `git log --oneline` shows on a line of 80 columns. */
const MAX_SUBJECT = 72

/** The commits whose subjects are too long, or why there was nothing to look at. */
export interface SubjectVerdict {
  skipped?: string
  mistakes: string[]
}

/** Looks at the subjects of the commits since the base that the tree at `root` records. */
export function findLongSubjects(root: string): SubjectVerdict {
  if (!existsSync(join(root, BASE_FILE))) return skip(`${BASE_FILE} is missing`)
  const base = readFileSync(join(root, BASE_FILE), 'utf8').trim()
  // A tree without a history may stand inside the repository of something else.
  if (!existsSync(join(root, '.git'))) return skip('this tree has no history')
  const known = git(root, 'cat-file', '-e', `${base}^{commit}`)
  if (known === undefined) return skip(`this history has no commit ${base}`)
  const log = git(root, 'log', '--no-merges', '--format=%h %s', `${base}..HEAD`) ?? ''
  const commits = log.split('\n').filter((line) => line !== '')
  return { mistakes: commits.flatMap(judgeCommit) }
}

function judgeCommit(line: string): string[] {
  const [hash = ''] = line.split(' ', 1)
  const subject = line.slice(hash.length + 1)
  const { length } = [...subject]
  if (length <= MAX_SUBJECT) return []
  return [`${hash}: the subject has ${length} characters, at most ${MAX_SUBJECT}: ${subject}`]
}

function skip(reason: string): SubjectVerdict {
  return { skipped: `commit subjects were not looked at: ${reason}`, mistakes: [] }
}

/** What git prints; undefined when it fails or is not installed. */
function git(root: string, ...args: string[]): string | undefined {
  // Inside a hook of git these name another repository than the one at `root`.
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...env } = process.env
  const { status, stdout } = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8', env })
  return status === 0 ? stdout : undefined
}
