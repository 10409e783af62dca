import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { runCli } from './run-cli.ts'

const ID = '0190b2a4-0000-7000-8000-0000000000aa'
const AT_ONCE = 4

/** Runs each command line, a few at once, and asserts the exit code and the message. */
async function refusals(lines: Record<string, RegExp>, code: number): Promise<void> {
  const queue = Object.entries(lines)
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [line, message] = next
      const result = await runCli(line.split(' ').filter(Boolean))
      assert.equal(result.code, code, `${line}: ${result.stderr}`)
      assert.equal(result.stdout, '', `${line}: stdout must be empty`)
      assert.match(result.stderr, /^caudal: [^\n]+\n$/, `${line}: one line on stderr`)
      assert.match(result.stderr, message, line)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function emptyFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caudal-test-cli-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

/** The commands that need a system. */
function linesFor(where: string): string[] {
  return [
    `seed --users 1 --orders 1 --balance 1 ${where}`,
    `token --user ${ID} ${where}`,
    `pay --user ${ID} ${where}`,
    `payment ${ID} ${where} --json`,
    `payments ${where}`,
    `demo --rate 1 --seconds 1 ${where}`,
    `verify ${where}`,
  ]
}

/** A gateway that only serves its health and its keys. */
async function gatewayWithKeys(t: TestContext, kid: string): Promise<number> {
  const server = createServer((request, response) => {
    const health = { status: 'ok', name: kid === 'none' ? 'psp' : 'api-gateway' }
    const body = request.url === '/healthz' ? health : { keys: [{ kid }] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Writes the state file of a system that has all services on one port. */
async function writeStateFile(dir: string, port: number, pid: number): Promise<void> {
  const url = `http://127.0.0.1:${port}`
  const names = ['payments', 'wallets', 'processor', 'notifications', 'identity', 'orders']
  const state = {
    pid,
    host: hostname(),
    gateway_url: url,
    console_url: null,
    psp_url: url,
    push_url: url,
    data_dir: dir,
    services: Object.fromEntries(names.map((name) => [name, url])),
    database_url: `postgres://caudal_owner:hidden@127.0.0.1:${port}/postgres`,
    client: { id: 'caudal-cli', secret: 'hidden' },
  }
  await writeFile(join(dir, 'system.json'), JSON.stringify(state))
}

describe('the command line, without a system', () => {
  test('wrong usage exits with 2 and explains the correct usage', async () => {
    const lines = {
      nonsense: /unknown command "nonsense"/,
      'nonsense --json': /unknown command/,
      'verify --nope': /Unknown option '--nope'/,
      rebuild: /--into/,
      'rebuild --into x;y': /--into: a name may/,
      'verify extra': /usage: caudal verify/,
      'verify --wait soon': /--wait must be a whole number/,
      'verify --data': /argument missing/,
      'verify --data=': /--data is missing/,
      'verify --url=': /--url must begin with/,
      'start nosuch': /unknown service "nosuch"; the services are /,
      'migrate --withdraw=': /--withdraw is missing/,
      'migrate nosuch': /unknown service "nosuch"; the services are /,
      'start --port x': /--port must be a whole number/,
      'start --port 70000': /--port must be a whole number/,
      seed: /--users must be a whole number/,
      'seed --users 0 --orders 1 --balance 1': /--users must be a whole number/,
      'seed --users 1 --orders 1': /--balance is missing/,
      'seed --users 1 --orders 1 --balance 1.001': /more than the 2 decimals/,
      'seed --users 1 --orders 1 --balance -5': /--balance/,
      'seed --users 1 --orders 1 --balance 1 --currency XXX': /not an ISO 4217 code/,
      token: /either --user ID or --client NAME/,
      [`token --user ${ID} --client a`]: /either --user ID or --client NAME/,
      'token --user x': /--user must be a UUID/,
      'token --client a': /--scope is missing/,
      [`token --user ${ID} --secret s`]: /--secret is the secret of a client/,
      [`token --user ${ID} --scope=`]: /--scope is missing/,
      [`token --user ${ID} --tenant=`]: /--tenant is missing/,
      'token --client a --scope x:y --secret s --tenant t': /--tenant cannot be used with --sec/,
      'token --client a --scope x:y --secret=': /--secret is missing/,
      'token --client a --scope x:y --tenant=': /--tenant is missing/,
      pay: /--user is missing/,
      [`pay --user ${ID} --order x`]: /--order must be a UUID/,
      payment: /usage: caudal payment ID/,
      'payment x': /must be a UUID/,
      refund: /usage: caudal refund PAYMENT/,
      'refund x': /the payment id must be a UUID/,
      [`refund ${ID} --reason no`]: /--reason takes one of requested_by_customer, duplicate, /,
      [`refund ${ID} --amount=`]: /--amount is missing/,
      cancel: /usage: caudal cancel PAYMENT/,
      'cancel x': /the payment id must be a UUID/,
      psp: /usage: caudal psp list/,
      'psp list main': /usage: caudal psp list/,
      'psp drain': /usage: caudal psp list/,
      'psp halt main': /usage: caudal psp list/,
      'psp changes': /usage: caudal psp list/,
      'psp disable main --reason=': /--reason is missing/,
      'psp changes main --reason x': /--reason is no option of psp changes/,
      'psp list --reason x': /--reason is no option of psp list/,
      'payments --status LOST': /--status takes one of PENDING, /,
      'payments --user x': /--user must be a UUID/,
      'payments --older-than soon': /--older-than must be a duration such as/,
      'payments --limit 0': /--limit must be a whole number/,
      'demo --rate 1': /--seconds must be a whole number/,
      'verify --url nonsense': /--url must begin with/,
      'verify --url ftp://a': /--url must begin with/,
      'seed --users 1 --orders 1 --balance 1 --amount 0': /--amount must be more than zero/,
    }
    await refusals(lines, 2)
  })

  test('an empty environment variable counts as absent', async (t) => {
    const env = { CAUDAL_DATA: '', CAUDAL_API_GATEWAY_URL: '' }
    const { code, stderr } = await runCli(['verify'], { cwd: await emptyFolder(t), env })
    assert.match(stderr, /no running system found: \S+\.caudal has no state file/)
    assert.equal(code, 3)
  })

  test('a missing system exits with 3', async (t) => {
    const where = `--data ${await emptyFolder(t)}`
    const lines = [
      `seed --users 1 --orders 1 --balance 1 ${where}`,
      `token --client a --scope ledger:write ${where}`,
      `pay --user ${ID} ${where} --json`,
      `payment ${ID} ${where}`,
      `refund ${ID} ${where}`,
      `cancel ${ID} ${where}`,
      `psp list ${where}`,
      `demo --rate 1 --seconds 1 ${where}`,
      `verify ${where} --json`,
    ]
    await refusals(Object.fromEntries(lines.map((line) => [line, /no running system found/])), 3)
  })

  test('a system that is unreachable exits with 3', async (t) => {
    const dir = await emptyFolder(t)
    await writeStateFile(dir, await freePort(), process.pid)
    const lines = linesFor(`--data ${dir}`)
    await refusals(Object.fromEntries(lines.map((line) => [line, /is unreachable/])), 3)
  })

  test('a system that was killed exits with 3, even if another program has its ports', async (t) => {
    const dir = await emptyFolder(t)
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await new Promise((done) => child.once('exit', done))
    await writeStateFile(dir, await freePort(), child.pid!)
    const lines = linesFor(`--data ${dir}`)
    await refusals(
      Object.fromEntries(lines.map((line) => [line, /is not running: its process \d+/])),
      3,
    )
  })

  test('the gateway of --url must respond and belong to the system of the state file', async (t) => {
    const dir = await emptyFolder(t)
    const own = await gatewayWithKeys(t, 'own')
    const other = await gatewayWithKeys(t, 'other')
    const none = await gatewayWithKeys(t, 'none')
    const port = await freePort()
    await writeStateFile(dir, own, process.pid)
    const at = (line: string, where: number) => `${line} --url http://127.0.0.1:${where}/`
    const lines = linesFor(`--data ${dir}`)
    const closed = lines.map((line): [string, RegExp] => [at(line, port), /is unreachable/])
    const foreign = lines
      .slice(3)
      .map((line): [string, RegExp] => [at(line, other), /is not the gateway of/])
    const wrong: [string, RegExp][] = [[at(lines[3]!, none), /is not a gateway/]]
    await refusals(Object.fromEntries([...closed, ...foreign, ...wrong]), 3)
  })
})

test('CAUDAL_EXTERNAL_SERVICES is refused if it names a service that operators cannot replace', async () => {
  const env = { CAUDAL_EXTERNAL_SERVICES: 'identity, wallets', CAUDAL_IDENTITY_URL: 'http://x' }
  const { code, stderr } = await runCli(['verify'], { env })
  assert.equal(code, 2, stderr)
  assert.match(stderr, /"wallets"; the services that it may name are identity, orders, psp, async/)
})

test('verify refuses to make a checkpoint without a secret, before it verifies', async (t) => {
  const env = { CAUDAL_IDENTITY_URL: 'http://127.0.0.1:1', CAUDAL_CLIENT_SECRET: '' }
  const words = ['verify', '--checkpoint', 'proof.json']
  const { code, stderr } = await runCli(words, { cwd: await emptyFolder(t), env })
  assert.match(stderr, /^caudal: a checkpoint is signed .* CAUDAL_CLIENT_SECRET is not set\n$/)
  assert.equal(code, 2)
})

test('a command reads its secrets from files, and names one that it cannot read', async (t) => {
  const dir = await emptyFolder(t)
  const file = join(dir, 'secret')
  await writeFile(file, 'the secret of the client\n')
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    // Without `scope`: all that was asked for is granted (RFC 6749, 5.1).
    response.end(JSON.stringify({ access_token: 'a token', expires_in: 60 }))
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = {
    CAUDAL_IDENTITY_URL: 'http://127.0.0.1:1',
    CAUDAL_IDENTITY_TOKEN_URL: `${url}/oauth/token`,
    CAUDAL_CLIENT_ID: 'desk',
    CAUDAL_CLIENT_SECRET_FILE: file,
  }
  const words = ['token', '--client', 'desk', '--scope', 'ledger:read', '--data', dir]
  const { code, stdout, stderr } = await runCli(words, { env })
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'a token\n')
  const credentials = Buffer.from(`desk:${encodeURIComponent('the secret of the client')}`)
  assert.deepEqual(asked, [`/oauth/token Basic ${credentials.toString('base64')}`])
  const lost = await runCli(words, { env: { ...env, CAUDAL_CLIENT_SECRET_FILE: join(dir, 'x') } })
  assert.equal(lost.code, 2)
  assert.match(lost.stderr, /CAUDAL_CLIENT_SECRET_FILE names a file that cannot be read \(ENOENT\)/)
})

test('a start without a database lists everything else that is missing or wrong', async () => {
  const unset = { DATABASE_URL: undefined, CAUDAL_GATEWAY_SIGNING_KEY: undefined }
  const env = { ...unset, CAUDAL_CLIENT_SECRET: undefined, CAUDAL_PAYMENTS_PORT: 'abc' }
  const { code, stdout, stderr } = await runCli(['start', 'payments', 'api-gateway'], { env })
  assert.equal(code, 2)
  assert.equal(stdout, '')
  assert.deepEqual(stderr.trimEnd().split('\n').toSorted(), [
    '  CAUDAL_CLIENT_SECRET is missing',
    '  CAUDAL_GATEWAY_SIGNING_KEY is missing; all gateways must share one key',
    '  CAUDAL_PAYMENTS_PORT must be an integer from 0 to 65535',
    '  DATABASE_URL is missing for payments, api-gateway: set it, or add --embedded for an ' +
      'embedded database in the data directory',
    'caudal: the configuration is not valid:',
  ])
})
