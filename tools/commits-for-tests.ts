import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com']

/** Runs git in the repository at `root` and returns what it prints; throws when it fails. */
export function git(root: string, ...args: string[]): string {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...env } = process.env
  const all = ['-C', root, ...IDENTITY, ...args]
  const { status, stdout, stderr } = spawnSync('git', all, { encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

/** Makes an empty commit in the repository at `root` and returns its hash. */
export function commit(root: string, subject: string): string {
  git(root, 'commit', '--quiet', '--allow-empty', '--no-gpg-sign', '-m', subject)
  return git(root, 'rev-parse', 'HEAD')
}
