// cli/bin/caudal.js before a command that prints what happens to it. An old host is this Node with
// another version number; the Node that it has to find is the one that the repository installs.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'

const REPOSITORY = join(import.meta.dirname, '..')
const OLD_HOST = `Object.defineProperty(process, 'versions', { value: { node: '20.0.0' } })`

/** Prints its arguments, then each signal; exits with 7 on SIGTERM, waits for ever otherwise. */
const COMMAND = `
process.on('SIGTERM', () => { console.log('SIGTERM'); setTimeout(() => process.exit(7), 50) })
process.on('SIGINT', () => console.log('SIGINT'))
console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }))
if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL')
setInterval(() => undefined, 1000)
`

interface Running {
  launcher: ChildProcess
  /** The next line that the command prints. */
  line(): Promise<string>
}

async function launch(t: TestContext, args: string[], installed = true): Promise<Running> {
  const root = await mkdtemp(join(tmpdir(), 'caudal-launcher-'))
  await mkdir(join(root, 'cli', 'src'), { recursive: true })
  await mkdir(join(root, 'node_modules'))
  await cp(join(REPOSITORY, 'cli', 'bin'), join(root, 'cli', 'bin'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await writeFile(join(root, 'cli', 'src', 'main.ts'), COMMAND)
  const node = join(REPOSITORY, 'node_modules', 'node')
  if (installed) await symlink(node, join(root, 'node_modules', 'node'), 'junction')
  const old = ['--import', `data:text/javascript,${encodeURIComponent(OLD_HOST)}`]
  const launcher = spawn(process.execPath, [...old, join(root, 'cli/bin/caudal.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(async () => {
    launcher.kill('SIGKILL')
    await rm(root, { recursive: true, force: true })
  })
  const lines = createInterface({ input: launcher.stdout })[Symbol.asyncIterator]()
  return { launcher, line: async () => String((await lines.next()).value) }
}

const options = { skip: process.platform === 'win32' && 'Windows has no signals' }

test(
  'an old host runs the command with its arguments, and passes SIGTERM on once',
  options,
  async (t) => {
    const { launcher, line } = await launch(t, ['pay', '--user', 'ada'])
    const exit = once(launcher, 'exit')
    const { pid, args } = JSON.parse(await line()) as { pid: number; args: string[] }
    assert.notEqual(pid, launcher.pid)
    assert.deepEqual(args, ['pay', '--user', 'ada'])
    launcher.kill('SIGINT')
    assert.equal(await line(), 'SIGINT')
    launcher.kill('SIGTERM')
    assert.equal(await line(), 'SIGTERM')
    assert.deepEqual(await exit, [7, null])
    assert.equal(await line(), 'undefined', 'the command received a signal twice')
  },
)

test('a command that is killed ends the launcher by the same signal', options, async (t) => {
  const { launcher } = await launch(t, ['die'])
  assert.deepEqual(await once(launcher, 'exit'), [null, 'SIGKILL'])
})

test('a command whose launcher is killed stops in order', options, async (t) => {
  const { launcher, line } = await launch(t, [])
  await line()
  launcher.kill('SIGKILL')
  assert.equal(await line(), 'SIGTERM')
})

test(
  'without its own Node the launcher prints one sentence with the remedy',
  options,
  async (t) => {
    const { launcher } = await launch(t, [], false)
    let printed = ''
    launcher.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    assert.deepEqual(await once(launcher, 'close'), [3, null])
    assert.match(printed, /^caudal needs Node 24, .* "npm ci" .*\n$/)
  },
)
