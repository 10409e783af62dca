import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '@caudal/config/environment.ts'
import { readConfig } from './config.ts'

const SECRET = 'a-secret-of-some-length'
const CLIENT = { client_id: 'payments', client_secret: SECRET, scopes: ['orders:read'] }

const read = (clients: unknown, env: NodeJS.ProcessEnv = {}) =>
  readConfig({ CAUDAL_IDENTITY_CLIENTS: JSON.stringify(clients), ...env })

test('clients come from the environment, with client credentials by default', () => {
  const config = read([CLIENT])
  assert.deepEqual(config.clients, [
    {
      clientId: 'payments',
      clientSecret: SECRET,
      scopes: ['orders:read'],
      grants: ['client_credentials'],
      tenantId: 'caudal',
    },
  ])
  assert.equal(config.issuer, 'https://identity.caudal.local')
  assert.match(config.databaseUrl, /\/caudal_identity$/)
})

test('development login is off unless it is switched on', () => {
  assert.equal(read([]).developmentLogin, false)
  assert.equal(read([], { CAUDAL_DEVELOPMENT_LOGIN: 'true' }).developmentLogin, true)
})

test('development login is refused on every address that is not loopback', () => {
  const on = { CAUDAL_DEVELOPMENT_LOGIN: 'true' }
  const elsewhere = ['0.0.0.0', '::', '192.168.1.7', '10.0.0.1', '2001:db8::1', 'identity']
  for (const host of elsewhere) {
    const refused = (error: unknown): boolean =>
      error instanceof ConfigError &&
      /CAUDAL_DEVELOPMENT_LOGIN is refused .* CAUDAL_IDENTITY_HOST/.test(error.message)
    assert.throws(() => read([], { ...on, CAUDAL_HOST: host }), refused, host)
    assert.throws(() => read([], { ...on, CAUDAL_IDENTITY_HOST: host }), refused, host)
    assert.equal(read([], { CAUDAL_HOST: host }).developmentLogin, false)
  }
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    assert.equal(read([], { ...on, CAUDAL_HOST: host }).developmentLogin, true)
    const own = read([], { ...on, CAUDAL_HOST: '0.0.0.0', CAUDAL_IDENTITY_HOST: host })
    assert.deepEqual([own.host, own.developmentLogin], [host, true])
  }
})

test('bad clients are refused and no secret is shown', () => {
  const refusals: unknown[] = [
    {},
    [{ ...CLIENT, scopes: ['everything'] }],
    [{ ...CLIENT, scopes: [] }],
    [{ ...CLIENT, client_secret: 'short' }],
    [{ ...CLIENT, grants: ['password'] }],
    [{ ...CLIENT, redirect_uris: [] }],
    [CLIENT, CLIENT],
  ]
  for (const clients of refusals) {
    assert.throws(
      () => read(clients),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.message.includes('CAUDAL_IDENTITY_CLIENTS') &&
        !error.message.includes(SECRET),
    )
  }
})

test('all invalid variables are reported together', () => {
  const env = { CAUDAL_IDENTITY_PORT: 'high', CAUDAL_ISSUER: 'me' }
  assert.throws(
    () => readConfig(env),
    (error: unknown) =>
      error instanceof ConfigError &&
      ['CAUDAL_IDENTITY_PORT', 'CAUDAL_ISSUER', 'CAUDAL_IDENTITY_CLIENTS'].every((name) =>
        error.message.includes(name),
      ),
  )
})
