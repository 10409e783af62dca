import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPES } from '@caudal/contracts/scopes.ts'
import { SERVICES } from '@caudal/contracts/services.ts'
import { readConfig } from '../config.ts'
import { CALLBACK_PEER } from './pass-callbacks.ts'
import { peersOf, PUBLIC_ROUTES } from './public-routes.ts'

const parametersOf = (path: string): string[] => path.match(/:\w+/g) ?? []

test('every public route belongs to a service whose address is configured', () => {
  const { urls } = readConfig({ CAUDAL_WALLETS_URL: 'http://wallets:9000' }).peers
  for (const { path, peer } of PUBLIC_ROUTES) {
    assert.ok(SERVICES.includes(peer), `${path} is answered by ${peer}`)
    assert.ok(URL.canParse(urls.get(peer) ?? ''), `${peer} has an address`)
  }
  const peers = new Set([...peersOf(PUBLIC_ROUTES), CALLBACK_PEER])
  assert.deepEqual([...urls.keys()], [...peers])
  assert.equal(urls.get('wallets'), 'http://wallets:9000')
})

test('every public route needs a scope that its callers may hold, and has a cost', () => {
  const { rateLimit } = readConfig({})
  for (const { path, scope, holders = ['user'], cost } of PUBLIC_ROUTES) {
    const may: readonly string[] = SCOPES[scope].holders
    assert.ok(holders.length > 0 && holders.every((one) => may.includes(one)), path)
    assert.ok(Number.isInteger(cost) && cost >= 1 && cost <= rateLimit.burst, `${path}: ${cost}`)
  }
})

test('a method and a path name one public route, below /api/v1', () => {
  const names = PUBLIC_ROUTES.map(({ method, path }) => `${method} ${path}`)
  assert.equal(new Set(names).size, names.length)
  for (const { path, innerPath } of PUBLIC_ROUTES) {
    assert.match(path, /^\/api\/v1\/[a-z]/)
    assert.match(innerPath, /^\/v1\/[a-z]/)
  }
})

test('parameters of an inner path come from the outer path, and an invalid one has an answer', () => {
  for (const { path, innerPath, unknown, schema } of PUBLIC_ROUTES) {
    const inner = parametersOf(innerPath)
    const outer = parametersOf(path)
    assert.ok(
      inner.every((name) => outer.includes(name)),
      `${innerPath} of ${path}`,
    )
    assert.equal(unknown !== undefined, inner.length > 0, path)
    assert.equal(schema.params !== undefined, outer.length > 0, path)
  }
})

test('only writes get a payment id or are joined, and every route has a schema', () => {
  for (const { path, method, mintsPaymentId, joinedAt, schema } of PUBLIC_ROUTES) {
    if (method === 'GET') assert.ok(!mintsPaymentId && joinedAt === undefined, path)
    if (method === 'GET') assert.equal(schema.body, undefined, path)
    assert.ok(schema.summary && schema.tags?.length && schema.response, path)
  }
})
