// What a newcomer sees of `npm ci`. An old host is npm with another version of Node in its process.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'

const REPOSITORY = join(import.meta.dirname, '..')
const OLD_HOST = `Object.defineProperty(process, 'version', { value: 'v20.19.0' })\n`
const MANIFESTS = '{packages,services,simulators}/*/package.json'
const options = { skip: process.platform === 'win32' && 'Windows runs npm by a script' }

/** The manifests and the settings of the repository, without what is installed. */
async function copyManifests(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caudal-test-npm-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const files = ['package.json', 'package-lock.json', '.npmrc', 'cli/package.json']
  for (const file of [...files, ...globSync(MANIFESTS, { cwd: REPOSITORY })]) {
    await cp(join(REPOSITORY, file), join(dir, file))
  }
  await writeFile(join(dir, 'old-host.cjs'), OLD_HOST)
  return dir
}

/** Runs `npm ci` as far as the lock file goes, without the network. */
async function install(dir: string): Promise<{ code: unknown; stderr: string }> {
  const settings = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  const child = spawn('npm', ['ci', '--dry-run', '--offline', '--ignore-scripts'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...Object.fromEntries(settings),
      NODE_OPTIONS: `--require ${join(dir, 'old-host.cjs')}`,
    },
  })
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  return { code, stderr }
}

test('npm ci on Node 20 prints no warnings about Node', options, async (t) => {
  assert.deepEqual(await install(await copyManifests(t)), { code: 0, stderr: '' })
})

test('npm ci still prints errors', options, async (t) => {
  const dir = await copyManifests(t)
  const file = join(dir, 'cli/package.json')
  const manifest = await readFile(file, 'utf8')
  await writeFile(file, manifest.replace(/"undici": "[^"]*"/, '"undici": "7.0.0"'))
  const { code, stderr } = await install(dir)
  assert.equal(code, 1)
  assert.match(stderr, /npm error/)
})
