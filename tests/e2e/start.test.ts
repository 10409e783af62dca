import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { runCli } from '../../cli/test/run-cli.ts'
import { processesNaming } from '../support/database-server.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { countCharges } from '../support/user-client.ts'

const READY_TIMEOUT_MS = 110_000

/** A command in a terminal: its output, and Ctrl-C. */
type Terminal = {
  stdout(): string
  stderr(): string
  /** The curl commands of the welcome text, in order. */
  pasteable(): string[]
  /** Sends SIGINT to every process of the group, like a terminal. */
  ctrlC(): Promise<void>
}

describe('starting and stopping the system from a terminal', () => {
  const scope = suiteScope()
  let dataDir = ''
  let firstOrder = ''

  async function type(command: string[], env: NodeJS.ProcessEnv = {}): Promise<Terminal> {
    dataDir ||= await dataDirectory(scope)
    const child = spawn(command[0]!, command.slice(1), {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CAUDAL_LOG_LEVEL: 'info', ...env },
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
    const ended = once(child, 'close')
    const toGroup = (signal: NodeJS.Signals): void => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, signal)
    }
    scope.after(async () => {
      toGroup('SIGTERM')
      await ended
    })
    await welcomed(child, output)
    return {
      stdout: () => output.stdout,
      stderr: () => output.stderr,
      pasteable: () => output.stdout.split('\n').filter((line) => line.startsWith('curl ')),
      async ctrlC() {
        toGroup('SIGINT')
        await ended
      },
    }
  }

  const words = () => ['start', '--port', '0', '--data', dataDir]

  /** Asserts that a start fails with an error message, and leaves no process running. */
  async function refusedStart(
    message: RegExp,
    { dir, args = [], env = {} }: { dir?: string; args?: string[]; env?: NodeJS.ProcessEnv },
  ): Promise<void> {
    const own = dir ?? join(dataDir, `refused-${message.source.length}-${Math.random()}`)
    const quiet = { CAUDAL_LOG_LEVEL: 'error', ...env }
    const { code, stdout, stderr } = await runCli(
      ['start', '--port', '0', ...args, '--data', own, '--json'],
      { env: quiet },
    )
    assert.ok(code !== 0 && code !== null, `${code} ${stderr}`)
    assert.equal(stdout, '')
    assert.match(stderr, /^caudal: \S[^]*\n$/)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /secret/, 'no password')
    assert.doesNotMatch(
      stderr,
      /\n\s+at |Error:|node_modules|undefined/,
      'a message without a stack',
    )
    if (dir === undefined) assert.deepEqual(await processesNaming(own), [])
  }

  test('the first start prints a curl command that makes a payment', SLOW, async () => {
    dataDir = await dataDirectory(scope)
    const terminal = await type(['npx', 'caudal', ...words()])
    assert.match(terminal.stdout(), /The gateway is http:\/\/127\.0\.0\.1:\d+/)
    const [pay, look] = terminal.pasteable() as [string, string]
    const { body, traceId } = await paste(pay)
    assert.equal(body['status'], 'PENDING')
    firstOrder = String(body['external_order_id'])
    await eventually(
      async () => {
        const { body: page } = await paste(look)
        const [payment] = page['data'] as Record<string, unknown>[]
        assert.deepEqual(
          [payment!['payment_id'], payment!['status']],
          [body['payment_id'], 'COMPLETED'],
        )
        return true
      },
      { timeoutMs: 60_000 },
    )
    const logged = await eventually(() => {
      const lines = jsonLines(terminal.stderr())
      // A callback of the PSP comes without the trace of the payment that it is about.
      const own = lines.filter(
        (line) => line['payment_id'] === body['payment_id'] && line['callback_id'] === undefined,
      )
      const services = new Set(own.map((line) => line['service']))
      for (const service of ['payments', 'wallets', 'processor', 'notifications']) {
        assert.ok(services.has(service), `${service} logs the payment`)
      }
      return own
    })
    for (const line of logged) assert.equal(line['trace_id'], traceId, JSON.stringify(line))
    await refusals(terminal)
    await terminal.ctrlC()
    assert.deepEqual(await processesNaming(dataDir), [], 'no process is left running')
  })

  /** A second start is refused while the first system runs. */
  async function refusals(terminal: Terminal): Promise<void> {
    const { gatewayUrl } = await findSystem({ dataDir, url: undefined })
    const { port } = new URL(gatewayUrl)
    await refusedStart(/data directory .* is in use by another running process/, { dir: dataDir })
    await refusedStart(new RegExp(`port ${port} of api-gateway is in use; choose another`), {
      args: ['--port', port],
    })
    assert.equal(
      (await paste(terminal.pasteable()[1]!)).status,
      200,
      'the first system is not affected',
    )
  }

  test('the second start prints a curl command for an unpaid order', async () => {
    const terminal = await type(['npm', 'start', '--', '--port', '0', '--data', dataDir])
    const [pay, look] = terminal.pasteable() as [string, string]
    assert.ok(!pay.includes(firstOrder))
    const { body } = await paste(pay)
    assert.equal(body['status'], 'PENDING', JSON.stringify(body))
    const { body: page } = await paste(look.replace('limit=1', 'limit=2'))
    assert.equal((page['data'] as unknown[]).length, 2, 'the data of the first start is kept')
    await terminal.ctrlC()
    assert.deepEqual(await processesNaming(dataDir), [], 'no process is left running')
  })

  test('--fresh starts over', async (t) => {
    const old = await readFile(join(dataDir, 'secrets.json'), 'utf8')
    const system = await launchSystem(t, { dataDir, args: ['--fresh'] })
    assert.equal((await countCharges(system.psp_url)).size, 0)
    assert.notEqual(await readFile(join(dataDir, 'secrets.json'), 'utf8'), old)
    assert.equal(await system.stop(), 0)
    assert.deepEqual(await processesNaming(dataDir), [])
  })

  test('an invalid configuration is refused with a message that names the variable', async () => {
    const bad: [NodeJS.ProcessEnv, RegExp][] = [
      [{ CAUDAL_PSP_TIMEOUT: 'soon', CAUDAL_GATEWAY_RATE_BURST: '-1' }, /CAUDAL_PSP_TIMEOUT/],
      [{ CAUDAL_LOG_LEVEL: 'loud' }, /CAUDAL_LOG_LEVEL/],
      [{ CAUDAL_PAYMENTS_PORT: '70000' }, /CAUDAL_PAYMENTS_PORT/],
      [{ CAUDAL_GATEWAY_SIGNING_KEY: 'x' }, /CAUDAL_GATEWAY_SIGNING_KEY/],
      [{ CAUDAL_HOST: '0.0.0.0' }, /CAUDAL_DEVELOPMENT_LOGIN is refused because identity/],
      [{ CAUDAL_IDENTITY_HOST: '::' }, /CAUDAL_DEVELOPMENT_LOGIN is refused because identity/],
      [{ PGPASSWORD_FILE: '/nowhere' }, /PGPASSWORD_FILE names a file that cannot be read/],
    ]
    for (const [env, message] of bad) await refusedStart(message, { env })
  })

  test(
    'a start on every address needs no development login, or identity on loopback',
    SLOW,
    async () => {
      const open = { CAUDAL_HOST: '0.0.0.0' }
      const without = await type(['npx', 'caudal', ...words()], {
        ...open,
        CAUDAL_DEVELOPMENT_LOGIN: 'false',
      })
      assert.match(without.stdout(), /identity +http:\/\/0\.0\.0\.0:/)
      assert.match(without.stdout(), /Development login is off/)
      assert.deepEqual(without.pasteable(), [])
      await without.ctrlC()
      const local = { ...open, CAUDAL_IDENTITY_HOST: '127.0.0.1' }
      const terminal = await type(['npx', 'caudal', ...words()], local)
      assert.match(terminal.stdout(), /identity +http:\/\/127\.0\.0\.1:/)
      const { body } = await paste(terminal.pasteable()[0]!)
      assert.equal(body['status'], 'PENDING', JSON.stringify(body))
      await terminal.ctrlC()
    },
  )

  test('an unreachable database is refused with a clear message', async () => {
    const port = await freePort()
    const url = (host: string) => `postgres://nobody:secret@${host}/postgres`
    for (const where of [`127.0.0.1:${port}`, 'no-such-host.invalid:5432']) {
      const env = { DATABASE_URL: url(where), CAUDAL_MIGRATION_DATABASE_URL: url(where) }
      await refusedStart(/^caudal: the database of DATABASE_URL is unreachable: /, { env })
    }
    await refusedStart(/DATABASE_URL/, { env: { DATABASE_URL: 'mysql://x/y' } })
    const fresh = { args: ['--fresh'], env: { DATABASE_URL: url('127.0.0.1:1') } }
    await refusedStart(/--fresh is only for the embedded database/, fresh)
  })

  test('a data directory that is not writable is refused with a clear message', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc and /sys of Linux')
    await refusedStart(/permission for \/sys\/caudal/, { dir: '/sys/caudal' })
    await refusedStart(/cannot create a directory at \/proc\/caudal/, { dir: '/proc/caudal/x' })
    await refusedStart(/is not a directory/, { dir: join(ROOT, 'package.json') })
    await refusedStart(/is not a directory/, { dir: join(ROOT, 'package.json', 'x') })
  })

  test('a disk that fills during the start is reported with a clear message', SLOW, async (t) => {
    const disk = await dataDirectory(scope)
    // Room for an empty cluster and the first tables of nine services, but not for all tables.
    const size = 'size=60m,mode=0711'
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'caudal-test', disk])
    if (mounted.status !== 0) {
      return t.skip('this machine does not allow a test to mount a small disk')
    }
    t.after(() => spawnSync('umount', [disk]))
    const dir = join(disk, 'data')
    await refusedStart(/^caudal: The disk of \S+ is full\.\n$/, { dir })
    const log = await readFile(join(dir, 'postgres', 'postgres.log'), 'utf8')
    assert.match(log, /ready to accept connections/, 'the server has started')
    assert.deepEqual(await processesNaming(dir), [], 'no process is left running')
  })
})

/** Waits for the welcome text; fails if the command ends without it. */
async function welcomed(
  child: ChildProcess,
  output: { stdout: string; stderr: string },
): Promise<void> {
  await eventually(
    () => {
      if (child.exitCode !== null) return true
      return output.stdout.includes('Ctrl-C stops everything')
    },
    { timeoutMs: READY_TIMEOUT_MS, label: 'the welcome text' },
  )
  assert.equal(child.exitCode, null, output.stderr)
}

type Pasted = { status: number; traceId: string; body: Record<string, unknown> }

/** Runs the line in a shell. */
async function paste(line: string): Promise<Pasted> {
  const child = spawn('bash', ['-c', `${line} -i`], { stdio: ['ignore', 'pipe', 'inherit'] })
  let answer = ''
  child.stdout.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, `${line}: ${answer}`)
  const [head = '', text = ''] = answer.split('\r\n\r\n')
  return {
    status: Number(head.split(' ')[1]),
    traceId: /^traceparent: 00-([0-9a-f]{32})/im.exec(head)?.[1] ?? '',
    body: JSON.parse(text) as Record<string, unknown>,
  }
}

/** Parses a log, each line of which must be a JSON document. */
function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
