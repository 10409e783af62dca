import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../support/root.ts'
import { startTinybank } from './tinybank.ts'

const run = promisify(execFile)
const BLOCK = /^```(ts|diff|ini)\n([\s\S]*?)^```$/gm
const PATH = /^\/\/ (\S+)\n/
const PROCESSOR = 'services/processor'

/** The blocks of the guide by their language. */
async function readBlocks() {
  const markdown = await readFile(join(ROOT, 'docs/guides/your-psp.md'), 'utf8')
  const blocks = [...markdown.matchAll(BLOCK)].map(([, language = '', text = '']) => ({
    language,
    text,
    path: PATH.exec(text)?.[1],
  }))
  return (language: string) => blocks.filter((block) => block.language === language)
}

/** A copy of the processor with the files and changes of the guide. */
async function writeGuide(scope: TestScope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-psp-'))
  scope.after(() => rm(folder, { recursive: true }))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  for (const part of ['src', 'test', 'migrations', 'package.json']) {
    const options = { recursive: true }
    await cp(join(ROOT, PROCESSOR, part), join(folder, PROCESSOR, part), options)
  }
  const blocks = await readBlocks()
  for (const { text, path = '' } of blocks('ts')) await writeFile(join(folder, path), text)
  for (const { text, path = '' } of blocks('diff')) await change(join(folder, path), text)
  return folder
}

/** Applies a diff whose first line of context is in the file once. */
async function change(file: string, diff: string): Promise<void> {
  const lines = diff.split('\n').slice(1, -1)
  const linesOf = (mark: string): string[] =>
    lines.filter((line) => ' '.concat(mark).includes(line[0] ?? '')).map((line) => line.slice(1))
  const before = await readFile(file, 'utf8')
  const [from, to] = [linesOf('-').join('\n'), linesOf('+').join('\n')]
  assert.equal(before.split(from).length, 2, `${file} does not have:\n${from}`)
  const use = "import { createTinybankAdapter } from './tinybank-adapter.ts'\n"
  await writeFile(file, use + before.replace(from, () => to))
}

describe('the guide to a PSP of your own', () => {
  const scope = suiteScope()

  test(
    'every file and change of docs/guides/your-psp.md conforms, and is configured',
    SLOW,
    async () => {
      const [folder, url] = [await writeGuide(scope), await startTinybank(scope)]
      const { NODE_TEST_CONTEXT: _context, ...environment } = process.env
      const env = { ...environment, TINYBANK_URL: url }
      const kit = join(folder, PROCESSOR, 'test/conformance/tinybank.test.ts')
      const { stdout } = await run(process.execPath, ['--test', kit], { cwd: folder, env })
      assert.match(stdout, /tinybank conforms/)
      const [ini] = (await readBlocks())('ini')
      const variables = ini!.text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])
      const script = `
      const { readConfig } = await import('./${PROCESSOR}/src/config.ts')
      const { psps, routes } = readConfig(process.env)
      console.log(JSON.stringify([psps.map(({ name, adapter }) => [name, adapter]), routes]))`
      const read = await run(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        env: Object.fromEntries(variables),
      })
      assert.deepEqual(JSON.parse(read.stdout), [
        [
          ['main', 'syncbank'],
          ['tinybank', 'tinybank'],
        ],
        [{ tenant: 'acme', currency: 'EUR', psps: ['tinybank', 'main'] }],
      ])
    },
  )

  test('its adapter has the right types', SLOW, async () => {
    const folder = await writeGuide(scope)
    const files = (await readBlocks())('ts').map(({ path = '' }) => path)
    const { compilerOptions } = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8'))
    const include = [...files, `${PROCESSOR}/src/psp/adapters.ts`]
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      cwd: folder,
    }).catch(({ stdout }: { stdout: string }) => assert.fail(stdout))
  })
})
