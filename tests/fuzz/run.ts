/**
 * Fuzzes every service of a whole system against its own OpenAPI document. Its argument is the
 * schemathesis to run; `run.sh` installs it. Ends with 1 at any deviation.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { SCOPE, scopesOf } from '@caudal/contracts/scopes.ts'
import { seedUsers } from 'caudal/demo-data/seed-users.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import type { SystemState } from 'caudal/system/state-file.ts'
import { anyClientToken, clientToken } from 'caudal/system/tokens.ts'
import { dataDirectory, launchSystem } from '../support/launch-system.ts'

const HERE = import.meta.dirname
const CLIENT = 'fuzz'
/** For all services together; what has not ended by then is a failure. */
const DEADLINE_MS = Number(process.env['FUZZ_SECONDS'] ?? 480) * 1_000
const LANES = 2
/** Requests that are generated for each operation, beside those for each of its constraints. */
const EXAMPLES = process.env['FUZZ_EXAMPLES'] ?? '20'
const SEED = process.env['FUZZ_SEED'] ?? '1'

interface Target {
  service: string
  url: string
  document: string
  token: string
  /** Arguments: headers of every request, which a client of this service needs. */
  headers: string[]
}

const [schemathesis = 'schemathesis', ...only] = process.argv.slice(2)
const undo: (() => unknown)[] = []
const scratch = await mkdtemp(join(tmpdir(), 'caudal-fuzz-'))
const scope = { after: (hook: () => unknown) => void undo.push(hook) }
try {
  process.exitCode = (await fuzz()) ? 0 : 1
} finally {
  for (const hook of undo) await hook()
  await rm(scratch, { recursive: true, force: true })
}

async function fuzz(): Promise<boolean> {
  const dataDir = await dataDirectory(scope)
  const running = await launchSystem(scope, { dataDir })
  const all = await targetsOf(running.data_dir)
  const names = all.map(({ service }) => service)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`no service ${unknown}; there are ${names.join(', ')}`)
  const targets = all.filter(({ service }) => only.length === 0 || only.includes(service))
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const failed: string[] = []
  // The ledger takes as long as all others together.
  const isLong = ({ service }: Target): number => Number(service === 'wallets')
  const waiting = targets.toSorted((one, other) => isLong(other) - isLong(one)).values()
  const lane = async (): Promise<void> => {
    for (const target of waiting) {
      const startedMs = performance.now()
      const { isClean, report } = await run(target, deadline)
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
      if (!isClean) failed.push(target.service)
      console.log(
        `${isClean ? '' : report}${isClean ? 'clean' : 'FAILED'} ${target.service} ${seconds} s`,
      )
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (deadline.aborted) console.error(`not done within ${DEADLINE_MS / 1_000} s`)
  if (failed.length > 0) console.error(running.logs().join('\n'))
  console.log(`${targets.length - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0
}

/** Every service with its document, and a token that may do everything that a client may. */
async function targetsOf(dataDir: string): Promise<Target[]> {
  const system = await findSystem({ dataDir, url: undefined })
  const state = JSON.parse(await readFile(join(dataDir, 'system.json'), 'utf8')) as SystemState
  const { usersImpersonate, usersRead, usersWrite, tenantsAny } = SCOPE
  const scopes = scopesOf('client').filter((one) => one !== usersImpersonate)
  const { token: client } = await anyClientToken(system, CLIENT, { scope: scopes.join(' ') })
  // Only a client that has it by its configuration may act for any user.
  const ofUsers = [usersImpersonate, usersRead, usersWrite, tenantsAny].join(' ')
  const { token: commandLine } = await clientToken(system, ofUsers)
  const [user] = await seedUsers(system, {
    users: 1,
    ordersPerUser: 3,
    balance: '1000.00',
    amount: '10.00',
    currency: 'USD',
    accountNumber: undefined,
  })
  const tokens: Record<string, string> = { 'api-gateway': user!.token, identity: commandLine }
  return Object.entries(state.operations).map(([service, operations]) => ({
    service,
    url: state.services[service]!,
    document: `${operations}/openapi.json`,
    token: tokens[service] ?? client,
    headers: service === 'payments' ? ['--header', `x-on-behalf-of: ${user!.user_id}`] : [],
  }))
}

async function run({ service, url, document, token, headers }: Target, signal: AbortSignal) {
  const config = ['--config-file', join(HERE, 'schemathesis.toml')]
  const what = ['run', document, '--url', url, '-n', EXAMPLES, '--seed', SEED]
  const child = spawn(schemathesis, [...config, ...what, ...headers], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // It writes a cache to where it runs.
    cwd: await mkdtemp(join(scratch, `${service}-`)),
    signal,
    env: { ...process.env, FUZZ_TOKEN: token, PYTHONPATH: HERE, SCHEMATHESIS_HOOKS: 'hooks' },
  })
  const exited = once(child, 'exit').catch(() => [null]) as Promise<[number | null]>
  const [report, [code]] = await Promise.all([text(child.stdout), exited])
  return { isClean: code === 0, report }
}
