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
