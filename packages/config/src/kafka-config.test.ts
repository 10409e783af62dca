import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readEnvironment } from './environment.ts'
import { type KafkaConfig, readKafkaConfig } from './kafka-config.ts'

const BROKERS = { KAFKA_BROKERS: 'one:9092, two:9092' }

const read = (env: Record<string, string>): KafkaConfig | undefined =>
  readEnvironment(env, readKafkaConfig)

test('Kafka is off without brokers, and with them every other setting has a default', () => {
  assert.equal(read({}), undefined)
  assert.deepEqual(read(BROKERS), { brokers: ['one:9092', 'two:9092'], checkTopicsOnly: false })
})

test('TLS and SCRAM are read, the files by their contents', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-settings-'))
  t.after(() => rm(folder, { recursive: true }))
  const ca = join(folder, 'ca.pem')
  await writeFile(ca, 'authority')
  const config = read({
    ...BROKERS,
    KAFKA_TLS: 'true',
    KAFKA_TLS_CA_FILE: ca,
    KAFKA_TLS_SERVER_NAME: 'kafka.internal',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: 'wallets',
    KAFKA_SASL_PASSWORD: 'a secret',
    KAFKA_SESSION_TIMEOUT: '10s',
    KAFKA_TOPICS: 'check',
    KAFKA_REPLICATION_FACTOR: '3',
    KAFKA_MIN_INSYNC_REPLICAS: '2',
    KAFKA_COMPRESSION: 'zstd',
  })
  assert.deepEqual(config, {
    brokers: ['one:9092', 'two:9092'],
    tls: { ca: 'authority', serverName: 'kafka.internal' },
    login: { mechanism: 'SCRAM-SHA-512', username: 'wallets', password: 'a secret' },
    checkTopicsOnly: true,
    compression: 'zstd',
    replicationFactor: 3,
    minInSyncReplicas: 2,
    sessionTimeoutMs: 10_000,
  })
})

test('F14: each mechanism with a password is read, and an incomplete one is refused', () => {
  const named = { KAFKA_SASL_USERNAME: 'wallets', KAFKA_SASL_PASSWORD: 'a secret' }
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const login = { mechanism, username: 'wallets', password: 'a secret' }
    const env = { ...BROKERS, ...named, KAFKA_SASL_MECHANISM: mechanism }
    assert.deepEqual(read(env)?.login, login)
    for (const name of Object.keys(named)) {
      assert.throws(() => read({ ...env, [name]: '' }), new RegExp(`${name} is missing`))
    }
  }
  const unknown = { ...BROKERS, ...named, KAFKA_SASL_MECHANISM: 'GSSAPI' }
  assert.throws(() => read(unknown), /KAFKA_SASL_MECHANISM/)
})

test('F14: the certificate of a client is read with its key, and neither without the other', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-settings-'))
  t.after(() => rm(folder, { recursive: true }))
  const files = {
    KAFKA_TLS_CERT_FILE: join(folder, 'cert'),
    KAFKA_TLS_KEY_FILE: join(folder, 'key'),
  }
  for (const [name, file] of Object.entries(files)) await writeFile(file, name)
  const env = { ...BROKERS, KAFKA_TLS: 'true', ...files }
  assert.deepEqual(read(env)?.tls, { cert: 'KAFKA_TLS_CERT_FILE', key: 'KAFKA_TLS_KEY_FILE' })
  for (const name of Object.keys(files)) {
    assert.throws(() => read({ ...env, [name]: '' }), new RegExp(`${name} is missing`))
  }
})

test('F14: OAUTHBEARER is read with its endpoint, or with the file of its token', async (t) => {
  const env = {
    ...BROKERS,
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_OAUTH_TOKEN_URL: 'https://tokens/token',
    KAFKA_OAUTH_CLIENT_ID: 'wallets',
    KAFKA_OAUTH_CLIENT_SECRET: 'a secret of the client',
    KAFKA_OAUTH_SCOPE: 'kafka',
  }
  const tokenUrl = 'https://tokens/token'
  const client = { clientId: 'wallets', clientSecret: 'a secret of the client', scope: 'kafka' }
  const tokens = { tokenUrl, ...client }
  assert.deepEqual(read(env)?.login, { mechanism: 'OAUTHBEARER', tokens })
  const folder = await mkdtemp(join(tmpdir(), 'kafka-settings-'))
  t.after(() => rm(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, 'token')
  assert.deepEqual(read({ ...env, KAFKA_OAUTH_TOKEN_FILE: tokenFile })?.login, {
    mechanism: 'OAUTHBEARER',
    tokens: { tokenFile },
  })
})

test('all invalid settings are reported together, without secrets', () => {
  const env = {
    KAFKA_BROKERS: 'one',
    KAFKA_TLS: 'true',
    KAFKA_TLS_CA_FILE: '/nowhere/ca.pem',
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_OAUTH_TOKEN_URL: 'ftp://tokens',
    KAFKA_OAUTH_CLIENT_SECRET: 'short',
    KAFKA_COMPRESSION: 'brotli',
    KAFKA_SESSION_TIMEOUT: '10ms',
    KAFKA_REPLICATION_FACTOR: '2',
    KAFKA_MIN_INSYNC_REPLICAS: '3',
    KAFKA_TOPICS: 'delete',
  }
  assert.throws(
    () => read(env),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const named = error.problems.map((problem) => problem.split(' ')[0]!)
      const expected = Object.keys(env).filter(
        (name) => !['KAFKA_TLS', 'KAFKA_SASL_MECHANISM', 'KAFKA_REPLICATION_FACTOR'].includes(name),
      )
      assert.deepEqual(named.toSorted(), [...expected, 'KAFKA_OAUTH_CLIENT_ID'].toSorted())
      assert.doesNotMatch(error.message, /short|brotli/)
      return true
    },
  )
})

test('an incomplete login and certificates without TLS are refused', () => {
  assert.throws(() => read({ ...BROKERS, KAFKA_SASL_USERNAME: 'me' }), /KAFKA_SASL_MECHANISM/)
  assert.throws(
    () => read({ ...BROKERS, KAFKA_TLS_SERVER_NAME: 'kafka' }),
    /KAFKA_TLS must be true/,
  )
})
