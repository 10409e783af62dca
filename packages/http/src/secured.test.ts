import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { createServer } from './create-server.ts'
import { type RouteAccess, secured } from './secured.ts'
import { startTestIssuer } from './start-test-issuer.ts'
import { createTokenVerifier } from './token-verifier.ts'

const CLIENT = { sub: 'billing', client_id: 'billing' }

async function serve(t: TestContext, access: Omit<RouteAccess, 'verifier'>) {
  const issuer = await startTestIssuer()
  t.after(() => issuer.stop())
  const verifier = createTokenVerifier({
    issuers: [{ issuer: issuer.issuer, jwksUrl: issuer.jwksUrl, audience: 'caudal' }],
  })
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const logger = createLogger({ service: 'test', destination })
  const app = createServer({ name: 'test', logger, metrics: createMetrics('test') })
  app.get('/v1/thing', secured({ verifier, ...access }, { summary: 'A thing' }), () => 'ok')
  app.get('/v1/bug', secured({ verifier, ...access }, {}), () => {
    throw new TypeError('a bug')
  })
  await app.ready()
  t.after(() => app.close())
  const ask = async (claims: Record<string, unknown>, url = '/v1/thing') => {
    const authorization = `Bearer ${await issuer.sign(claims)}`
    const answer = await app.inject({ url, headers: { authorization } })
    return answer.statusCode === 200 ? 200 : String(answer.json<{ detail: unknown }>().detail)
  }
  return { app, ask, lines }
}

test('a route admits tokens with its scope, or with one that includes it', async (t) => {
  const { ask } = await serve(t, { scope: SCOPE.ledgerCredit })
  assert.equal(await ask({ ...CLIENT, scope: 'ledger:credit' }), 200)
  assert.equal(await ask({ ...CLIENT, scope: 'orders:read ledger:write' }), 200)
  const lacks = 'the token lacks the scope ledger:credit'
  assert.equal(await ask({ ...CLIENT, scope: 'ledger:debit ledger:read' }), lacks)
})

test('of several scopes of a route one is enough', async (t) => {
  const { app, ask } = await serve(t, { scope: [SCOPE.ledgerCredit, SCOPE.ledgerDebit] })
  for (const scope of ['ledger:credit', 'ledger:debit', 'ledger:write']) {
    assert.equal(await ask({ ...CLIENT, scope }), 200)
  }
  const lacks = 'the token lacks the scope ledger:credit or ledger:debit'
  assert.equal(await ask({ ...CLIENT, scope: 'ledger:hold' }), lacks)
  assert.equal(await ask({ scope: 'ledger:credit' }), 'the token of a user is not accepted here')
  const { paths } = (await app.inject('/openapi.json')).json<{
    paths: Record<string, { get: { security: unknown } }>
  }>()
  const either = [{ bearer: ['ledger:credit'] }, { bearer: ['ledger:debit'] }]
  assert.deepEqual(paths['/v1/thing']?.get.security, either)
})

test('a route admits only holders of its scope, whatever their token carries', async (t) => {
  const clients = await serve(t, { scope: SCOPE.ordersWrite })
  const scope = 'orders:write wallet:read payments:read'
  assert.equal(await clients.ask({ scope }), 'the token of a user is not accepted here')
  const users = await serve(t, { scope: SCOPE.walletRead })
  const refused = 'the token of a client is not accepted here'
  assert.equal(await users.ask({ ...CLIENT, scope }), refused)
  assert.equal(await users.ask({ scope }), 200)
  const both = await serve(t, { scope: SCOPE.paymentsRead })
  assert.equal(await both.ask({ scope }), 200)
  assert.equal(await both.ask({ ...CLIENT, scope }), 200)
})

test('a holder that needs no scope is admitted without it, the other is not', async (t) => {
  const { ask } = await serve(t, { scope: SCOPE.usersRead, unscoped: 'user' })
  assert.equal(await ask({ scope: '' }), 200)
  assert.equal(await ask({ ...CLIENT, scope: 'users:read' }), 200)
  const lacks = 'the token lacks the scope users:read'
  assert.equal(await ask({ ...CLIENT, scope: 'users:write' }), lacks)
})

test('the OpenAPI document names the scope of the route', async (t) => {
  const { app } = await serve(t, { scope: SCOPE.traceRead })
  const { paths } = (await app.inject('/openapi.json')).json<{
    paths: Record<string, { get: { security: unknown } }>
  }>()
  assert.deepEqual(paths['/v1/thing']?.get.security, [{ bearer: ['trace:read'] }])
})

test('the log of a failed request names its actor by type and id only', async (t) => {
  const { ask, lines } = await serve(t, { scope: SCOPE.paymentsRead })
  const scope = 'payments:read'
  await ask({ ...CLIENT, scope }, '/v1/bug')
  const sub = '0190B2A4-0000-7000-8000-00000000000A'
  await ask({ scope, sub, name: 'Anna' }, '/v1/bug')
  const actors = lines.map((line) => (JSON.parse(line) as { actor: unknown }).actor)
  assert.deepEqual(actors, [
    { type: 'client', id: 'billing' },
    { type: 'user', id: sub.toLowerCase() },
  ])
})
