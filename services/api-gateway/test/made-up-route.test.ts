import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { createServer } from '@caudal/http/create-server.ts'
import { createTokenBuckets } from '@caudal/http/create-token-buckets.ts'
import { startTestIssuer } from '@caudal/http/start-test-issuer.ts'
import { createTokenVerifier } from '@caudal/http/token-verifier.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { decodeJwt } from 'jose'
import { Type } from 'typebox'
import { addRoutes } from '../src/http/add-routes.ts'
import type { PublicRoute } from '../src/http/public-routes.ts'
import type { PeerRequest } from '../src/peers/exchange.ts'
import { mintInternalTokens } from '../src/tokens/mint-internal-tokens.ts'
import { generatePrivateKey, signingKeysOf } from '../src/tokens/signing-keys.ts'

const ORDERS: PublicRoute = {
  method: 'GET',
  path: '/api/v1/users/:user_id/orders',
  peer: 'orders',
  innerPath: '/v1/users/:user_id/orders',
  unknown: 'USER_NOT_FOUND',
  audience: 'shop',
  scope: SCOPE.walletRead,
  cost: 2,
  schema: {
    summary: 'Orders',
    params: {},
    querystring: Type.Object({ limit: Type.Optional(Type.Integer()) }),
    response: { 200: {} },
  },
}

test('a new public route is one row of the table', async (t) => {
  const issuer = await startTestIssuer()
  t.after(() => issuer.stop())
  const keys = await signingKeysOf([generatePrivateKey()])
  const sent: PeerRequest[] = []
  const send = (request: PeerRequest) => {
    sent.push(request)
    return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('[]') })
  }
  const never = () => assert.fail('not called here')
  const logger = createLogger({ service: 'api-gateway', level: 'silent' })
  const app = createServer({ name: 'api-gateway', logger, metrics: createMetrics('api-gateway') })
  addRoutes(app, [ORDERS], {
    verifier: createTokenVerifier({
      issuers: [{ issuer: issuer.issuer, jwksUrl: issuer.jwksUrl, audience: 'caudal' }],
    }),
    buckets: createTokenBuckets({ ratePerSecond: 0.001, burst: 5 }),
    shared: undefined,
    countLimited: () => {},
    keys,
    peers: new Map([
      ['orders', { name: 'orders', send, ready: never, close: () => Promise.resolve() }],
    ]),
    tokens: mintInternalTokens({ issuer: 'gateway', keys, scopes: [ORDERS.scope] }),
    logger,
    watch: { failed: never, answered() {} },
  })
  await app.ready()
  t.after(() => app.close())
  const authorization = `Bearer ${await issuer.sign({ scope: 'payments:read wallet:read' })}`
  const ask = async (id: string): Promise<number> => {
    const url = `/api/v1/users/${id}/orders?limit=1`
    return (await app.inject({ url, headers: { authorization } })).statusCode
  }

  const id = '0190b2a4-0000-7000-8000-000000000001'
  assert.equal(await ask(id), 200)
  assert.equal(sent[0]?.path, `/v1/users/${id}/orders?limit=1`)
  const { aud, scope } = decodeJwt(sent[0].headers['authorization']!.slice('Bearer '.length))
  assert.deepEqual([aud, scope], ['shop', 'wallet:read'])
  assert.equal(await ask('nonsense'), 404)
  // Five tokens, two for each request.
  assert.equal(await ask(id), 429)
  assert.equal(sent.length, 1)
})
