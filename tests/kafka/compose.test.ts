import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { DEFAULT_PORTS } from '@caudal/config/default-ports.ts'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { startLocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { SERVICE_ENTRIES } from 'caudal/system/services.ts'
import pg from 'pg'
import { runCli } from '../../cli/test/run-cli.ts'
import {
  type ComposeService,
  environmentOf,
  makeSecrets,
  readComposeFile,
} from '../../tools/compose-file.ts'
import { dataDirectory } from '../support/launch-system.ts'
import { containersOf, initPostgres, startBroker } from '../support/processes/compose-processes.ts'
import { startRedis } from '../support/redis-server.ts'
import { ROOT } from '../support/root.ts'
import { silentLogger } from '../support/silent-logger.ts'

const HEALTHY_MS = 120_000
const run = promisify(execFile)

test(
  'P13: the services of compose.yaml work, with each container run as a process',
  SLOW,
  async (t) => {
    const dir = await dataDirectory(t)
    const secrets = makeSecrets(dir)
    const { services } = readComposeFile(secrets.env)
    const redis = await startRedis(t)
    await writeFile(join(secrets.folder, 'redis-url'), redis.url)
    const postgres = await startLocalPostgres({
      dataDir: join(dir, 'postgres'),
      logger: silentLogger,
    })
    await forgetRoles(postgres.adminUrl)
    await initPostgres(postgres.adminUrl, dir, secrets.folder)

    const here = await addressesHere(postgres.port, secrets.folder)
    const containers = containersOf(t)
    t.after(() => postgres.stop())
    const brokers = [1, 2, 3].map((id) => services[`kafka-${id}`]!)
    await Promise.all(
      brokers.map(async (broker, index) => {
        const folder = await folderOf(dir, `kafka-${index + 1}`)
        const env = here.of(broker)
        const [client, controller] = here.listeners(index + 1).map((port) => `127.0.0.1:${port}`)
        await startBroker(containers, folder, {
          ...env,
          KAFKA_LISTENERS: `SASL_PLAINTEXT://${client},CONTROLLER://${controller}`,
          KAFKA_LOG_DIRS: join(folder, 'data'),
          // A small buffer, since all brokers share this machine's memory.
          KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: '2097152',
        })
      }),
    )
    // Waits like `depends_on`.
    for (const id of [1, 2, 3]) {
      await eventually(() => answers(here.listeners(id)[0]), { timeoutMs: HEALTHY_MS })
    }
    const entry = await entrypoint()
    const base = { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production' }
    // As `service_completed_successfully`.
    for (const name of ['migrate', 'kafka-topics', 'kafka-acls']) {
      await run(process.execPath, [...entry, ...services[name]!.command!], {
        cwd: ROOT,
        env: { ...base, ...here.of(services[name]!) },
      })
    }
    for (const [name, key] of CONTAINERS) {
      const folder = await folderOf(dir, name)
      const port = { [`CAUDAL_${key}_PORT`]: String(here.portOf(name)) }
      containers.start(process.execPath, [...entry, ...services[name]!.command!], {
        env: { ...base, ...here.of(services[name]!), ...port },
        dir: folder,
      })
    }
    for (const [name] of CONTAINERS) {
      const check = services[name]!.healthcheck!.test.slice(2, -1)
      const isHealthy = () =>
        run(process.execPath, [...check, String(here.portOf(name))], { cwd: ROOT })
      const label = `${name} is healthy`
      await eventually(isHealthy, { timeoutMs: HEALTHY_MS, label }).catch(
        async (error: unknown) => {
          throw new Error(await readFile(join(dir, name, 'log'), 'utf8'), { cause: error })
        },
      )
    }
    const env = { ...here.of(services['trial']!), CAUDAL_DATA: join(dir, 'nothing') }
    for (const words of [['demo', '--rate', '10', '--seconds', '3'], ['verify']]) {
      const { code, stdout, stderr } = await runCli([...words, '--json'], { cwd: dir, env })
      assert.equal(code, 0, `${words[0]}: ${stdout} ${stderr}`)
    }
  },
)

/** Each container that serves, and the <KEY> of its variables. */
const CONTAINERS = [
  ...[...SERVICE_ENTRIES].map(([name, { key }]) => [name, key] as const),
  ['development-login', 'IDENTITY'] as const,
]

type Here = {
  portOf(service: string): number
  /** The client port and the controller port of a broker. */
  listeners(broker: number): [number, number]
  /** A container's environment, with container names replaced by local addresses. */
  of(service: ComposeService): NodeJS.ProcessEnv
}

async function addressesHere(postgresPort: number, secrets: string): Promise<Here> {
  const ports = await freePorts(CONTAINERS.length + 7)
  const names = CONTAINERS.map(([name]) => name)
  const listeners = (id: number): [number, number] => {
    const first = CONTAINERS.length + 2 * (id - 1)
    return [ports[first]!, ports[first + 1]!]
  }
  const replaced = new Map([
    // The container `trial` shares the network of `development-login`.
    [`127.0.0.1:${DEFAULT_PORTS.IDENTITY}`, `127.0.0.1:${ports[CONTAINERS.length - 1]!}`],
    ['postgres:5432', `127.0.0.1:${postgresPort}`],
    ['push:8089', `127.0.0.1:${ports.at(-1)!}`],
  ])
  for (const [index, [name, key]] of CONTAINERS.entries()) {
    const port = DEFAULT_PORTS[key as keyof typeof DEFAULT_PORTS]
    replaced.set(`${name}:${port}`, `127.0.0.1:${ports[index]!}`)
  }
  for (const id of [1, 2, 3]) {
    const [client, controller] = listeners(id)
    replaced.set(`kafka-${id}:9092`, `127.0.0.1:${client}`)
    replaced.set(`kafka-${id}:9093`, `127.0.0.1:${controller}`)
  }
  const here = (text: string): string => {
    if (text === '8089') return String(ports.at(-1)!)
    let local = text
    for (const [name, address] of replaced) local = local.replaceAll(name, address)
    return local
  }
  return {
    portOf: (service) => ports[names.indexOf(service)]!,
    listeners,
    of: (service) =>
      Object.fromEntries(
        Object.entries(environmentOf(service, secrets)).map(([name, text]) => [name, here(text)]),
      ),
  }
}

/** Drops the roles, so that the script creates them as on a new server. */
async function forgetRoles(adminUrl: string): Promise<void> {
  const client = new pg.Client(adminUrl)
  await client.connect()
  await client.query('DROP ROLE caudal_app')
  await client.query('DROP ROLE caudal_owner')
  await client.end()
}

/** The arguments of the image's entrypoint after `node`. */
async function entrypoint(): Promise<string[]> {
  const dockerfile = await readFile(join(ROOT, 'deploy/Dockerfile'), 'utf8')
  const [, words = '[]'] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? []
  const [node, ...rest] = JSON.parse(words) as string[]
  assert.equal(node, 'node')
  return rest
}

async function folderOf(dir: string, name: string): Promise<string> {
  const folder = join(dir, name)
  await mkdir(folder, { recursive: true })
  return folder
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}
