import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import {
  type LocalPostgres,
  startLocalPostgres,
} from '@caudal/local-postgres/start-local-postgres.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { type CliResult, runCli } from '../../../cli/test/run-cli.ts'
import { blocksOf, differenceOf, type Example } from '../../guides/guide-blocks.ts'
import { type Shell, startShell } from '../../guides/shell.ts'
import { environmentKey } from '../processes/service-process.ts'
import { ROOT } from '../root.ts'
import { installPsql } from '../run-psql-script.ts'
import { silentLogger } from '../silent-logger.ts'
import { parseEnvironmentFile, readUnit } from './read-unit.ts'
import { type UnitProcess, type Units, unitsOf } from './run-unit.ts'

const GUIDE = 'docs/guides/bring-your-own.md'
/** The ports of the guide. */
const SERVICES = {
  'api-gateway': 8080,
  payments: 8081,
  wallets: 8082,
  processor: 8083,
  notifications: 8084,
} as const
const NAMES = [...(Object.keys(SERVICES) as Service[]), 'company', 'psp', 'push', 'apns'] as const
type Service = keyof typeof SERVICES
type Name = (typeof NAMES)[number]

/** The Kafka of a test: what the guide's addresses and files stand for. */
export type GuideKafka = {
  brokers: string
  caFile: string
  passwordOf(user: string): string
}

/** What a guide was played with. */
export type PlayedGuide = {
  /** The address of a service or a simulator. */
  url(name: Name): string
  /** Runs a command with the operator's variables. */
  caudal(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<CliResult>
  different: string[]
  compared: number
}

type World = {
  etc: string
  ports: Record<Name, number>
  server: LocalPostgres
  shell: Shell
  units: Units
  kafka: GuideKafka | undefined
  /** Addresses and folders of the guide, and what they are here. */
  replaced: readonly (readonly [string, string])[]
  running: Map<string, UnitProcess>
}

/**
 * Does what docs/guides/bring-your-own.md shows, block by block: files are written, commands run,
 * units started by their own settings. PSP and push services are the simulators, on ports of their
 * own.
 */
export async function playGuide(scope: TestScope, kafka?: GuideKafka): Promise<PlayedGuide> {
  const world = await createWorld(scope, kafka)
  const played: PlayedGuide = {
    url: (name) => `http://127.0.0.1:${world.ports[name]}`,
    caudal: async (words, env) => runCli(words, { env: { ...(await operator(world)), ...env } }),
    different: [],
    compared: 0,
  }
  for (const block of blocksOf(await readFile(join(ROOT, GUIDE), 'utf8'))) {
    await playBlock(world, block, played)
  }
  return played
}

async function createWorld(scope: TestScope, kafka: GuideKafka | undefined): Promise<World> {
  const etc = await mkdtemp(join(tmpdir(), 'caudal-test-guide-'))
  // If the tests run as root, PostgreSQL's user must have access to the folder.
  await chmod(etc, 0o711)
  scope.after(() => rm(etc, { recursive: true, force: true }))
  const dataDir = join(etc, 'server')
  const server = await startLocalPostgres({ dataDir, throwaway: true, logger: silentLogger })
  scope.after(() => server.stop())
  const free = await freePorts(NAMES.length)
  const ports = Object.fromEntries(
    NAMES.map((name, index) => [name, free[index]!]),
  ) as World['ports']
  const shell = startShell(scope, join(etc, 'no-state'))
  const bin = join(etc, 'bin')
  await mkdir(bin)
  await installPsql(bin)
  const path = [bin, dirname(process.execPath), ''].join(delimiter)
  await shell.run(`export PATH='${path}'"$PATH"; ADMIN_URL='${server.adminUrl}'`)
  const replaced = replacements({ etc, ports, server, kafka })
  const units = unitsOf(scope, etc)
  return { etc, ports, server, shell, units, kafka, replaced, running: new Map() }
}

function replacements({
  etc,
  ports,
  server,
  kafka,
}: Pick<World, 'etc' | 'ports' | 'server' | 'kafka'>): World['replaced'] {
  const at = (name: Name): string => `http://127.0.0.1:${ports[name]}`
  const example = 'broker-N.example.internal:9096'
  const brokers = [1, 2, 3].map((id) => example.replace('N', String(id))).join(',')
  return [
    [
      'db.example.internal:5432/postgres?sslmode=verify-full',
      `${server.host}:${server.port}/postgres?sslmode=disable`,
    ],
    // The issuer itself, without a slash, is only a name.
    ['https://login.example.com/', `${at('company')}/`],
    ['https://users.example.internal', at('company')],
    ['https://orders.example.internal', at('company')],
    ['https://psp.example.com', at('psp')],
    ['https://fcm.googleapis.com', at('push')],
    ['https://api.push.apple.com', at('apns')],
    ['/etc/caudal', etc],
    ['/opt/caudal', ROOT],
    [brokers, kafka?.brokers ?? ''],
    ['KAFKA_REPLICATION_FACTOR=3', 'KAFKA_REPLICATION_FACTOR=1'],
    ...Object.entries(SERVICES).map(
      ([name, port]) => [`127.0.0.1:${port}`, `127.0.0.1:${ports[name as Name]}`] as const,
    ),
  ]
}

async function playBlock(world: World, block: Example, played: PlayedGuide): Promise<void> {
  const { language, expected, line } = block
  if (language === 'ini') await writeSettings(world, expected!.text)
  else if (language === 'js') await startCompany(world, expected!.text)
  else if (language === 'sh kafka') {
    if (world.kafka) await prepareKafka(world, world.kafka, expected!.text)
  } else if (language === 'sh' && block.code.startsWith('systemctl')) {
    await startUnits(world, block.code)
  } else if (language === 'sh') {
    const output = await world.shell.run(here(world, block.code))
    if (expected === null) return
    const difference = differenceOf(output, expected)
    if (difference !== null) played.different.push(`${GUIDE}:${line}: ${difference}`)
    played.compared += 1
  }
}

function here({ replaced }: World, text: string): string {
  return replaced.reduce((found, [from, to]) => found.replaceAll(from, to), text)
}

/** The first line of such a block names its file; what is only for Kafka is left out without it. */
async function writeSettings(world: World, text: string): Promise<void> {
  const { etc, kafka, ports } = world
  const [, file = '', where] = /^# \/etc\/caudal\/(\S+?)(, with Kafka)?\n/.exec(text) ?? []
  assert.ok(file.endsWith('.env'), `no file is named: ${text}`)
  if (where !== undefined && kafka === undefined) return
  const listen = Object.keys(SERVICES).map((name) => {
    return `CAUDAL_${environmentKey(name)}_PORT=${ports[name as Name]}`
  })
  const own = [
    ...(where !== undefined ? [`KAFKA_TLS_CA_FILE=${kafka!.caFile}`] : []),
    ...(where === undefined && file === 'caudal.env' ? listen : []),
  ]
  await appendFile(join(etc, file), `${here(world, text)}${own.join('\n')}\n`)
}

/** As the administrator of the cluster, whose password is in a file of its own. */
async function prepareKafka(world: World, kafka: GuideKafka, lines: string): Promise<void> {
  const folder = join(world.etc, 'credentials', 'kafka-admin')
  await mkdir(folder)
  await writeFile(join(folder, 'kafka-password'), kafka.passwordOf('admin'))
  await world.shell.run(here(world, lines))
}

async function startCompany(world: World, program: string): Promise<void> {
  const { etc, ports, units, running } = world
  const file = join(etc, 'company.mjs')
  await writeFile(file, program)
  const words = [process.execPath, file, String(ports.company), join(etc, 'credentials')]
  running.set('company', units.run(words, {}))
}

/** `systemctl start UNIT`, a line for each. */
async function startUnits(world: World, lines: string): Promise<void> {
  await writeOtherSecrets(world)
  await startSimulators(world)
  for (const line of lines.split('\n')) {
    const [, name = ''] = /^systemctl start (\S+)$/.exec(line) ?? []
    if (name.endsWith('.target')) await startTarget(world, name)
    else {
      const unit = await world.units.start(`${name}.service`)
      assert.equal(await unit.exited, 0, unit.logs())
    }
  }
}

async function startTarget(world: World, name: string): Promise<void> {
  const wanted = (await readUnit(name)).all('Wants').join(' ').split(' ')
  assert.equal(wanted.length, Object.keys(SERVICES).length)
  for (const unit of wanted) world.running.set(unit, await world.units.start(unit))
  for (const unit of wanted) {
    const [, service = ''] = /@(.*)\.service$/.exec(unit) ?? []
    await isReady(world, service as Name, world.running.get(unit)!)
  }
}

async function isReady({ ports }: World, name: Name, unit: UnitProcess): Promise<void> {
  const ready = async (): Promise<boolean> => {
    if (unit.hasExited()) return true
    const response = await fetch(`http://127.0.0.1:${ports[name]}/readyz`)
    const text = await response.text()
    assert.equal(response.status, 200, text)
    return true
  }
  await eventually(ready, { timeoutMs: 60_000, label: `${name} is ready` }).catch((error) => {
    throw new Error(`${name}: ${unit.logs()}`, { cause: error })
  })
  assert.equal(unit.hasExited(), false, `${name}: ${unit.logs()}`)
}

/** What comes from the PSP, from Google and Apple, and from the administrator of Kafka. */
async function writeOtherSecrets({ etc, ports, kafka }: World): Promise<void> {
  const keyOf = (pair: ReturnType<typeof generateKeyPairSync>): string =>
    pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const account = {
    project_id: 'pay',
    client_email: 'pay@example.com',
    private_key: keyOf(generateKeyPairSync('rsa', { modulusLength: 2_048 })),
    token_uri: `http://127.0.0.1:${ports.push}/token`,
  }
  const files: Record<string, string> = {
    'notifications/fcm.json': JSON.stringify(account),
    'notifications/apns.p8': keyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    'processor/psp-api-key': 'the key of the PSP\n',
  }
  for (const user of ['wallets', 'payments', 'processor', 'notifications']) {
    files[`${user}/kafka-password`] = kafka?.passwordOf(user) ?? 'not used'
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(etc, 'credentials', name), text)
  }
}

/** The PSP and the push services, with databases of their own on the same server. */
async function startSimulators(world: World): Promise<void> {
  const { etc, server, ports, units } = world
  const client = new pg.Client(server.adminUrl)
  await client.connect()
  for (const name of ['psp', 'push']) {
    await client.query(`ALTER ROLE caudal_${name} PASSWORD 'of-the-simulator'`)
  }
  await client.end()
  const at = `${server.host}:${server.port}/postgres`
  const password = await readFile(join(etc, 'credentials/owner/database-password'), 'utf8')
  const owner = `postgres://caudal_owner:${password.trim()}@${at}`
  const env = { CAUDAL_MIGRATION_DATABASE_URL: owner }
  const migrated = await runCli(['migrate', 'psp', 'push'], { env })
  assert.equal(migrated.code, 0, migrated.stderr)
  for (const name of ['psp', 'push'] as const) {
    const url = `postgres://caudal_${name}:of-the-simulator@${at}`
    const key = environmentKey(name)
    const own = { DATABASE_URL: url, [`CAUDAL_${key}_PORT`]: String(ports[name]) }
    const words = [process.execPath, join(ROOT, 'cli/bin/caudal.js'), 'start', name]
    const apns = { CAUDAL_PUSH_APNS_PORT: String(ports.apns) }
    await isReady(world, name, units.run(words, { ...own, ...apns }))
  }
}

/**
 * The variables of an operator, from the files that the guide shows. The folder of the tests may
 * have a system of its own, which an installation has not.
 */
async function operator({ etc }: World): Promise<NodeJS.ProcessEnv> {
  const texts = await Promise.all(
    ['caudal.env', 'operator.env'].map((name) => readFile(join(etc, name), 'utf8')),
  )
  const noData = { CAUDAL_DATA: join(etc, 'no-data') }
  return Object.assign(noData, ...texts.map(parseEnvironmentFile)) as NodeJS.ProcessEnv
}
