import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readEnvironment } from './environment.ts'
import {
  readClientSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readPeerUrl,
  readServiceSettings,
} from './service-settings.ts'

test('all invalid variables are reported together, without their values', () => {
  const env = {
    PORT: '70000',
    PEER: 'not-a-url',
    WAIT: 'soon',
    MODE: 'fast',
    SECRET: 'short',
    FLAG: 'yes',
    COUNT: '1.5',
  }
  assert.throws(
    () =>
      readEnvironment(env, (reader) => ({
        port: reader.port('PORT'),
        peer: reader.url('PEER'),
        wait: reader.durationMs('WAIT'),
        mode: reader.oneOf('MODE', ['slow', 'slower']),
        secret: reader.secret('SECRET'),
        flag: reader.flag('FLAG'),
        count: reader.integer('COUNT', { min: 0, max: 9 }),
        missing: reader.text('MISSING'),
      })),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map((problem) => problem.split(' ')[0])
      assert.deepEqual(names, [...Object.keys(env), 'MISSING'])
      for (const value of ['70000', 'not-a-url', 'short']) assert.ok(!error.message.includes(value))
      return true
    },
  )
})

test('values are read in their units, and empty ones count as absent', () => {
  const env = { A: '5s', B: '250', C: '2m', D: 'https://peer.example/base/', E: '', F: '0' }
  const config = readEnvironment(env, (reader) => ({
    a: reader.durationMs('A'),
    b: reader.durationMs('B'),
    c: reader.durationMs('C'),
    d: reader.url('D'),
    e: reader.text('E', 'fallback'),
    optional: reader.optional('E'),
    f: reader.port('F', 8080),
    g: reader.flag('G', true),
  }))
  assert.deepEqual(config, {
    a: 5_000,
    b: 250,
    c: 120_000,
    d: 'https://peer.example/base',
    e: 'fallback',
    optional: undefined,
    f: 0,
    g: true,
  })
})

test('a service finds its database, peers, client and issuers by convention', () => {
  const env = {
    DATABASE_URL: 'postgres://caudal_app:pw@db:5432/postgres?sslmode=require',
    CAUDAL_WALLETS_URL: 'http://wallets:9000',
    CAUDAL_CLIENT_SECRET: 'common-secret',
    CAUDAL_PAYMENTS_PORT: '0',
  }
  const config = readEnvironment(env, (reader) => ({
    service: readServiceSettings(reader, 'PAYMENTS'),
    database: readDatabaseSettings(reader, 'PAYMENTS'),
    client: readClientSettings(reader, 'PAYMENTS'),
    issuers: readIssuerSettings(reader),
    wallets: readPeerUrl(reader, 'WALLETS'),
    orders: readPeerUrl(reader, 'ORDERS'),
  }))
  assert.deepEqual(config.service, {
    host: '127.0.0.1',
    port: 0,
    region: 'local',
    logLevel: 'info',
    edge: { hosts: [] },
  })
  const server = 'postgres://caudal_app:pw@db:5432'
  assert.deepEqual(config.database, {
    databaseUrl: `${server}/caudal_payments?sslmode=require`,
    logDatabaseUrl: `${server}/caudal_log?sslmode=require`,
    refuseOwner: false,
  })
  assert.deepEqual(config.client, {
    clientId: 'payments',
    clientSecret: 'common-secret',
    tokenUrl: 'http://127.0.0.1:8085/token',
  })
  assert.equal(config.issuers.gatewayJwksUrl, 'http://127.0.0.1:8080/internal/jwks.json')
  assert.equal(config.issuers.gatewayIssuer, 'https://gateway.caudal.local')
  const alone = readEnvironment({ CAUDAL_GATEWAY_ISSUER: 'none' }, readIssuerSettings)
  assert.equal(alone.gatewayIssuer, null)
  assert.deepEqual(
    [config.wallets, config.orders],
    ['http://wallets:9000', 'http://127.0.0.1:8086'],
  )
})

test('the names of a service and its operations port are configuration', () => {
  const env = {
    CAUDAL_PUBLIC_URL: 'https://pay.example',
    CAUDAL_WALLETS_URL: 'http://wallets:8082',
    CAUDAL_ORDERS_URL: 'http://orders:8086',
    CAUDAL_ALLOWED_HOSTS: 'wallets.caudal.svc, ledger.example',
    CAUDAL_WALLETS_OPERATIONS_PORT: '8182',
    CAUDAL_HOST: '0.0.0.0',
  }
  const { edge } = readEnvironment(env, (reader) => readServiceSettings(reader, 'WALLETS'))
  assert.deepEqual(edge, {
    hosts: ['pay.example', 'wallets', 'wallets.caudal.svc', 'ledger.example'],
    operations: { host: '0.0.0.0', port: 8182, isPublic: false },
  })
})

test('the settings of one service override the common ones', () => {
  const env = {
    DATABASE_URL: 'postgres://app@db/postgres',
    CAUDAL_PAYMENTS_DATABASE_URL: 'postgres://app@other/pay',
    CAUDAL_LOG_DATABASE_URL: 'postgres://app@db/log',
    CAUDAL_PAYMENTS_LOG_DATABASE_URL: 'postgres://pay@db/log',
    NODE_ENV: 'production',
    CAUDAL_CLIENT_SECRET: 'common-secret',
    CAUDAL_PAYMENTS_CLIENT_SECRET: 'own-secret',
  }
  const config = readEnvironment(env, (reader) => ({
    database: readDatabaseSettings(reader, 'PAYMENTS'),
    client: readClientSettings(reader, 'PAYMENTS'),
  }))
  assert.equal(config.database.databaseUrl, 'postgres://app@other/pay')
  assert.equal(config.database.logDatabaseUrl, 'postgres://pay@db/log')
  assert.equal(config.database.refuseOwner, true)
  assert.equal(config.client.clientSecret, 'own-secret')
})

test('P9: a crash point is refused in production, and so is one that does not exist', () => {
  const refused = (env: Record<string, string>): string[] => {
    try {
      readEnvironment(env, (reader) => readServiceSettings(reader, 'PAYMENTS'))
      return []
    } catch (error) {
      return (error as ConfigError).problems.map((problem) => problem.split(' ')[0]!)
    }
  }
  const point = { CAUDAL_CRASH_POINT: 'facts.before:3' }
  assert.deepEqual(refused(point), [])
  assert.deepEqual(refused({ ...point, NODE_ENV: 'production' }), ['CAUDAL_CRASH_POINT'])
  const log = { CAUDAL_CRASH_LOG: 'reached', NODE_ENV: 'production' }
  assert.deepEqual(refused(log), ['CAUDAL_CRASH_LOG'])
  for (const wrong of ['fact.before', 'facts', 'facts.before:0', 'facts.before:x']) {
    assert.deepEqual(refused({ CAUDAL_CRASH_POINT: wrong }), ['CAUDAL_CRASH_POINT'], wrong)
  }
})

test('a prefix of metrics is a beginning of names, and any other text is refused', () => {
  const read = (prefix: string) =>
    readEnvironment({ CAUDAL_METRICS_PREFIX: prefix }, (reader) =>
      readServiceSettings(reader, 'PAYMENTS'),
    )
  assert.equal(read('caudal_').metricsPrefix, 'caudal_')
  for (const wrong of ['caudal', 'Caudal_', '1_', 'a-b_']) {
    assert.throws(() => read(wrong), /CAUDAL_METRICS_PREFIX/, wrong)
  }
})

test('another identity provider has its own addresses and audience', () => {
  const read = (env: Record<string, string>) =>
    readEnvironment({ CAUDAL_CLIENT_SECRET: 'common-secret', ...env }, (reader) => ({
      ...readIssuerSettings(reader),
      tokenUrl: readClientSettings(reader, 'PAYMENTS').tokenUrl,
    }))
  const own = read({ CAUDAL_IDENTITY_URL: 'https://identity' })
  assert.equal(own.identityJwksUrl, 'https://identity/jwks')
  assert.equal(own.identityRevocationsUrl, 'https://identity/revocations')
  assert.equal(own.audience, 'caudal')
  const other = {
    CAUDAL_IDENTITY_JWKS_URL: 'https://login.example/.well-known/jwks.json',
    CAUDAL_IDENTITY_TOKEN_URL: 'https://login.example/oauth/token',
    CAUDAL_AUDIENCE: 'https://pay.example',
  }
  const { identityJwksUrl, tokenUrl, audience, ...rest } = read(other)
  assert.deepEqual([identityJwksUrl, tokenUrl, audience], Object.values(other))
  assert.equal('identityRevocationsUrl' in rest, false, 'another provider may not have the list')
  const list = 'https://login.example/revocations'
  const named = read({ ...other, CAUDAL_IDENTITY_REVOCATIONS_URL: list })
  assert.equal(named.identityRevocationsUrl, list)
})
