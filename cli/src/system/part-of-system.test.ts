import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPart, missingOfPart, needsEmbedded, withoutGateway } from './part-of-system.ts'
import { SERVICES } from './services.ts'

const ALL = [...SERVICES.keys()]
const SERVER = { DATABASE_URL: 'postgres://caudal_app@db/postgres' }

test('a service over a server that is named is a part; one over the embedded database is not', () => {
  assert.equal(isPart(['payments'], SERVER), true)
  assert.equal(isPart(['payments'], {}), false)
  assert.equal(isPart(ALL, SERVER), false)
})

test('the gateway needs no database, and a database of its own is enough for a service', () => {
  assert.equal(needsEmbedded(['api-gateway'], {}), false)
  assert.equal(isPart(['api-gateway'], {}), true)
  assert.equal(needsEmbedded(['wallets'], { CAUDAL_WALLETS_DATABASE_URL: 'postgres://w' }), false)
  assert.equal(needsEmbedded(['wallets', 'orders'], { CAUDAL_WALLETS_DATABASE_URL: 'x' }), true)
})

test('a gateway that is a part must be given the key that all gateways share', () => {
  const [problem] = missingOfPart(['api-gateway'], {})
  assert.match(problem ?? '', /^CAUDAL_GATEWAY_SIGNING_KEY is missing/)
  assert.deepEqual(missingOfPart(['api-gateway'], { CAUDAL_GATEWAY_SIGNING_KEY: 'x' }), [])
  assert.deepEqual(missingOfPart(['payments'], {}), [])
})

test('services that are all there is, without a gateway, expect none', () => {
  const ledger = ['wallets', 'identity']
  assert.deepEqual(withoutGateway(ledger, {}), { CAUDAL_GATEWAY_ISSUER: 'none' })
  assert.deepEqual(withoutGateway(ALL, {}), {})
  assert.deepEqual(withoutGateway(ledger, SERVER), {}, 'a part has its gateway elsewhere')
  assert.deepEqual(withoutGateway(ledger, { CAUDAL_API_GATEWAY_URL: 'http://gateway' }), {})
  assert.deepEqual(withoutGateway(ledger, { CAUDAL_GATEWAY_ISSUER: 'https://gateway' }), {})
})
