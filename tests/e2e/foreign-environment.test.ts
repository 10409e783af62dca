import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { before, describe, test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { type CliResult, runCli } from '../../cli/test/run-cli.ts'
import { dataDirectory } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'

/** Variables that are meant for other programs of the same user. */
const POSTGRES = {
  PGHOST: 'no-such-host.invalid',
  PGPORT: '1',
  PGUSER: 'nobody',
  PGPASSWORD: 'wrong',
  PGDATABASE: 'nothing',
  PGSSLMODE: 'require',
  PGSSLNEGOTIATION: 'direct',
  PGOPTIONS: '-c default_transaction_read_only=on',
  PGAPPNAME: 'psql',
  PGCLIENT_ENCODING: 'LATIN1',
  PGREPLICATION: 'database',
}

describe('a system in the environment of other programs, whose output is not read', () => {
  const scope = suiteScope()
  const proxied: string[] = []
  let env: NodeJS.ProcessEnv = {}
  let dataDir = ''
  let child: ChildProcess
  before(async () => {
    const proxy = createServer((request, response) => {
      proxied.push(`${request.method} ${request.url}`)
      response.writeHead(502).end()
    })
    proxy.on('connect', (request, socket) => {
      proxied.push(`CONNECT ${request.url}`)
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    scope.after(() => void proxy.close())
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    env = { ...POSTGRES, NODE_USE_ENV_PROXY: '1', NO_PROXY: '', no_proxy: '' }
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) env[name] = url
    dataDir = await dataDirectory(scope)
    child = await startUnread()
  }, SLOW)

  /** Starts the system as `caudal start --json 2>&1 | head -1` does. */
  async function startUnread(): Promise<ChildProcess> {
    const words = ['cli/bin/caudal.js', 'start', '--json', '--port', '0', '--data', dataDir]
    const started = spawn(process.execPath, words, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    scope.after(async () => {
      if (started.exitCode !== null || started.signalCode !== null) return
      started.kill('SIGTERM')
      await once(started, 'exit')
    })
    let printed = ''
    started.stderr.on(
      'data',
      (chunk: Buffer) => (printed = `${printed}${chunk.toString()}`.slice(-4_000)),
    )
    const ready = once(createInterface(started.stdout), 'line')
    const ended = once(started, 'exit').then(([code]) => {
      throw new Error(`caudal start ended with ${code}: ${printed}`)
    })
    await Promise.race([ready, ended])
    ended.catch(() => undefined)
    started.stdout.destroy()
    started.stderr.destroy()
    return started
  }

  const run = (...args: string[]): Promise<CliResult> =>
    runCli([...args, '--data', dataDir, '--json'], { env })

  test('it pays, and its ledger is verified and rebuilt', SLOW, async () => {
    const seeded = await run('seed', '--users', '1', '--orders', '1', '--balance', '50')
    assert.equal(seeded.code, 0, seeded.stderr)
    const { users } = JSON.parse(seeded.stdout) as { users: { user_id: string }[] }
    const paid = await run('pay', '--user', users[0]!.user_id)
    assert.equal(paid.code, 0, paid.stderr)
    const verified = await run('verify')
    assert.equal(verified.code, 0, verified.stdout + verified.stderr)
    const rebuilt = await run('rebuild', '--into', 'caudal_again')
    assert.equal(rebuilt.code, 0, rebuilt.stdout + rebuilt.stderr)
  })

  test('no call to the system takes the proxy of the environment', () => {
    assert.deepEqual(proxied, [])
  })

  test('it stops in order', async () => {
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    assert.equal(code, 0)
  })
})
