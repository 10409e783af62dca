import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { ConfigError } from '@caudal/config/environment.ts'
import { readConfig } from './config.ts'
import { generatePrivateKey, signingKeysOf } from './tokens/signing-keys.ts'

test('every setting has a default', () => {
  const config = readConfig({})
  assert.equal(config.port, 8080)
  assert.equal(config.identityJwksUrl, 'http://127.0.0.1:8085/jwks')
  assert.deepEqual(config.rateLimit, { ratePerSecond: 500, burst: 1_000 })
  assert.deepEqual(config.signingKeys, [])
})

test('a signing key is read from JWK, JWKS and PEM, and has the same id in each replica', async () => {
  const key = generatePrivateKey()
  const other = generatePrivateKey()
  const jwk = key.export({ format: 'jwk' })
  const pem = key.export({ format: 'pem', type: 'pkcs8' }).toString()
  const keys = [jwk, other.export({ format: 'jwk' })]
  const texts = [JSON.stringify(jwk), JSON.stringify({ keys }), pem, pem.replaceAll('\n', '\\n')]
  const ids = new Set<string>()
  for (const text of texts) {
    const { signingKeys } = readConfig({ CAUDAL_GATEWAY_SIGNING_KEY: text })
    const { kid, jwks } = await signingKeysOf(signingKeys)
    ids.add(kid)
    assert.equal(jwks.keys[0]?.kid, kid)
    assert.ok(!JSON.stringify(jwks).includes('"d"'), 'the private half is not published')
  }
  assert.equal(ids.size, 1)
  const { signingKeys } = readConfig({ CAUDAL_GATEWAY_SIGNING_KEY: JSON.stringify({ keys }) })
  assert.equal((await signingKeysOf(signingKeys)).jwks.keys.length, 2)
})

test('all invalid variables are reported, and no key is shown', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const pem = rsa.export({ format: 'pem', type: 'pkcs8' }).toString()
  const env = {
    CAUDAL_GATEWAY_SIGNING_KEY: pem,
    CAUDAL_PAYMENTS_URL: 'payments',
    CAUDAL_GATEWAY_RATE_BURST: '0',
  }
  assert.throws(
    () => readConfig(env),
    (error) => {
      assert.ok(error instanceof ConfigError)
      for (const name of Object.keys(env)) assert.match(error.message, new RegExp(name))
      assert.ok(!error.message.includes('PRIVATE KEY--'))
      return true
    },
  )
  assert.throws(() => readConfig({ CAUDAL_GATEWAY_SIGNING_KEY: '{"keys":[]}' }), ConfigError)
  assert.throws(() => readConfig({ CAUDAL_GATEWAY_SIGNING_KEY: 'secret' }), ConfigError)
})

test('Redis is optional and configured by its URL', () => {
  assert.equal(readConfig({}).redis, undefined)
  assert.deepEqual(readConfig({ REDIS_URL: 'rediss://user:secret@redis:6380/1' }).redis, {
    url: 'rediss://user:secret@redis:6380/1',
    timeoutMs: 50,
  })
  assert.throws(() => readConfig({ REDIS_URL: 'http://redis:6379' }), /REDIS_URL must be a URL/)
})
