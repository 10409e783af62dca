import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../support/root.ts'

const run = promisify(execFile)

/** A row of releases.json: a version and the commit that it was made from. */
export type Release = { version: string; commit: string }

/** Every released version, oldest first. */
export async function releases(): Promise<Release[]> {
  return JSON.parse(await readFile(join(ROOT, 'releases.json'), 'utf8')) as Release[]
}

/**
 * The release as it was, with the dependencies of its own lock file, in a folder that is removed
 * with the scope. Resolves to that folder.
 *
 * @throws {Error} if the clone lacks the commit
 */
export async function checkOut(scope: TestScope, { version, commit }: Release): Promise<string> {
  await run('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: ROOT }).catch((cause) => {
    const why = `this clone lacks the commit ${commit} of release ${version}: it is shallow`
    throw new Error(`${why}. Run "git fetch --unshallow" first.`, { cause })
  })
  const root = await mkdtemp(join(tmpdir(), 'caudal-test-release-'))
  scope.after(() => scope.after(() => rm(root, { recursive: true, force: true })))
  const archive = join(root, 'release.tar')
  await run('git', ['archive', '--output', archive, commit], { cwd: ROOT })
  await run('tar', ['-xf', archive], { cwd: root })
  await run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: root })
  return root
}

/** Runs a command of the release; resolves to its JSON. */
export async function runRelease<T>(
  root: string,
  dataDir: string,
  args: readonly string[],
): Promise<T> {
  const program = join(root, 'cli/bin/caudal.js')
  const words = [program, ...args, '--json', '--data', dataDir]
  const { stdout } = await run(process.execPath, words, { cwd: root })
  return JSON.parse(stdout) as T
}
