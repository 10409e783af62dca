import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { COMMAND_NAMES } from '../src/command-list.ts'
import { runCli } from './run-cli.ts'

const ID = '0190b2a4-0000-7000-8000-0000000000aa'
/** Small packages without imports of their own. */
const LIGHT = new Set(['uuid'])

/** Prints the packages that a command loads, one a line behind a mark. */
const WATCH = `
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(url) ?? []
    if (name !== undefined) writeSync(2, 'loaded ' + name + '\\n')
    return next(url, context)
  },
})`

async function packagesOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const node = ['--import', `data:text/javascript,${encodeURIComponent(WATCH)}`]
  const { stderr } = await runCli(args, { node, env })
  const loaded = [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, name]) => name!)
  return [...new Set(loaded)].filter((name) => !LIGHT.has(name) && !name.startsWith('@caudal/'))
}

test('the help and the version load no package', async () => {
  const calls = [['--help'], ['--version'], ...COMMAND_NAMES.map((name) => [name, '--help'])]
  for (const args of calls) assert.deepEqual(await packagesOf(args), [], args.join(' '))
})

test('a command that only calls the system loads no package', async (t) => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: 'x', expires_in: 60, scope: '', data: [] }))
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const names = ['PAYMENTS', 'WALLETS', 'PROCESSOR', 'NOTIFICATIONS', 'IDENTITY', 'ORDERS']
  const env = Object.fromEntries(names.map((name) => [`CAUDAL_${name}_URL`, url]))
  for (const line of [
    `payment ${ID}`,
    'payments',
    `pay --user ${ID}`,
    `token --user ${ID}`,
    'seed --users 1 --orders 1 --balance 0',
  ]) {
    assert.deepEqual(await packagesOf(line.split(' '), env), [], line)
  }
})

test('the watch of this test sees packages', async () => {
  const loaded = await packagesOf(['start', 'orders'], { DATABASE_URL: 'postgres://127.0.0.1:1/x' })
  assert.ok(loaded.includes('fastify') && loaded.includes('pg'), loaded.join(' '))
})
