import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isPartial,
  missingSettings,
  needsEmbedded,
  refuseEmbedded,
  withoutGateway,
} from './partial-system.ts'
import { SERVICE_ENTRIES } from './services.ts'

const ALL = [...SERVICE_ENTRIES.keys()]
const SERVER = { DATABASE_URL: 'postgres://caudal_app@db/postgres' }

test('some services on an external database are a partial system, on the embedded database they are not', () => {
  assert.equal(isPartial(['payments'], SERVER), true)
  assert.equal(isPartial(['payments'], {}), false)
  assert.equal(isPartial(ALL, SERVER), false)
})

test('the gateway needs no database, and a service can have its own database', () => {
  assert.equal(needsEmbedded(['api-gateway'], {}), false)
  assert.equal(isPartial(['api-gateway'], {}), true)
  assert.equal(needsEmbedded(['wallets'], { CAUDAL_WALLETS_DATABASE_URL: 'postgres://w' }), false)
  assert.equal(needsEmbedded(['wallets', 'orders'], { CAUDAL_WALLETS_DATABASE_URL: 'x' }), true)
})

test('a gateway of a partial system needs the signing key that all gateways share', () => {
  const [problem] = missingSettings(['api-gateway'], {})
  assert.match(problem ?? '', /^CAUDAL_GATEWAY_SIGNING_KEY is missing/)
  assert.deepEqual(missingSettings(['api-gateway'], { CAUDAL_GATEWAY_SIGNING_KEY: 'x' }), [])
  assert.deepEqual(missingSettings(['payments'], {}), [])
})

test('services of a system without a gateway do not wait for one', () => {
  const ledger = ['wallets', 'identity']
  assert.deepEqual(withoutGateway(ledger, {}), { CAUDAL_GATEWAY_ISSUER: 'none' })
  assert.deepEqual(withoutGateway(ALL, {}), {})
  assert.deepEqual(
    withoutGateway(ledger, SERVER),
    {},
    'the gateway of a partial system runs elsewhere',
  )
  assert.deepEqual(withoutGateway(ledger, { CAUDAL_API_GATEWAY_URL: 'http://gateway' }), {})
  assert.deepEqual(withoutGateway(ledger, { CAUDAL_GATEWAY_ISSUER: 'https://gateway' }), {})
})

test('a forgotten DATABASE_URL is refused, unless --embedded asks for an embedded database', () => {
  const kafka = { KAFKA_BROKERS: 'kafka:9092' }
  for (const env of [{}, kafka]) {
    assert.match(refuseEmbedded(['payments'], env, false) ?? '', /^DATABASE_URL is missing/)
    assert.equal(refuseEmbedded(['payments'], env, true), undefined)
    assert.equal(refuseEmbedded(ALL, env, false), undefined, 'the whole system')
  }
  const owner = { CAUDAL_MIGRATION_DATABASE_URL: 'postgres://caudal_owner@db/postgres' }
  assert.match(refuseEmbedded(ALL, owner, false) ?? '', /missing beside CAUDAL_MIGRATION_DATABASE/)
  assert.match(refuseEmbedded(ALL, { DATABASE_URL: '' }, false) ?? '', /^DATABASE_URL is empty/)
  assert.match(refuseEmbedded(['payments'], SERVER, true) ?? '', /^--embedded is not for/)
  assert.equal(refuseEmbedded(['payments'], SERVER, false), undefined)
  assert.equal(refuseEmbedded(['api-gateway'], {}, false), undefined)
})
