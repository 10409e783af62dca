import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from './root.ts'

/** Replaces the only occurrence of a text in a file. */
export type Edit = { file: string; find: string; replace: string }

const SOURCES = ['cli', 'packages', 'services', 'simulators', 'package.json']

/**
 * Copies the sources and edits the copy, which is removed with the scope. Dependencies are those of
 * the repository. Resolves to the root of the copy.
 *
 * @throws {Error} if a file has not exactly one occurrence of what an edit replaces
 */
export async function makeEditedCopy(scope: TestScope, edits: readonly Edit[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'caudal-test-copy-'))
  // Behind what else ends with the scope: processes of the copy still run from it.
  scope.after(() => scope.after(() => rm(root, { recursive: true, force: true })))
  for (const source of SOURCES) {
    await cp(join(ROOT, source), join(root, source), { recursive: true, verbatimSymlinks: true })
  }
  await linkModules(root)
  for (const { file, find, replace } of edits) {
    const text = await readFile(join(root, file), 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${file} has not exactly one "${find}"`)
    await writeFile(
      join(root, file),
      text.replace(find, () => replace),
    )
  }
  return root
}

/** Workspaces come from the copy, everything else from the repository. */
async function linkModules(root: string): Promise<void> {
  const modules = join(root, 'node_modules')
  const installed = join(ROOT, 'node_modules')
  await mkdir(join(modules, '@caudal'), { recursive: true })
  for (const name of await readdir(installed)) {
    if (['@caudal', 'caudal', '.cache'].includes(name)) continue
    await symlink(join(installed, name), join(modules, name))
  }
  await symlink(join(root, 'cli'), join(modules, 'caudal'))
  for (const folder of ['packages', 'services', 'simulators']) {
    for (const name of await readdir(join(root, folder))) {
      const target = join(root, folder, name)
      const manifest = await readFile(join(target, 'package.json'), 'utf8').catch(() => undefined)
      if (manifest === undefined) continue
      const { name: link } = JSON.parse(manifest) as { name: string }
      await symlink(target, join(modules, link))
    }
  }
}
