import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTokenVerifier } from '@caudal/http/token-verifier.ts'
import { assertProblem, KEY, PAYMENT_ID, startTestGateway } from './start-test-gateway.ts'

const REFUND_ID = '0190b2a4-0000-7000-8000-0000000000bb'
const REFUNDS = `/api/v1/payments/${PAYMENT_ID}/refunds`
const json = { 'content-type': 'application/json', 'idempotency-key': KEY }
const body = '{"amount":"40.00","reason":"duplicate"}'

async function withClient(t: TestContext) {
  const gateway = await startTestGateway(t)
  const tokenOf = (scope: string) =>
    gateway.issuer.sign({ sub: 'shop', client_id: 'shop', sub_type: 'client', scope })
  return { ...gateway, tokenOf }
}

test('P1: a client asks for a refund, and goes inside by the token of the gateway', async (t) => {
  const { service, seen, ask, tokenOf } = await withClient(t)
  const bearer = await tokenOf('refunds:write payments:read ledger:write')
  const answer = await ask('POST', REFUNDS, { bearer, headers: json, body })
  assert.equal(answer.status, 202)
  assert.equal(answer.headers.get('location'), `/api/v1/payments/${PAYMENT_ID}`)
  const [inner] = seen
  assert.equal(inner?.url, `/v1/payments/${PAYMENT_ID}/refunds`)
  assert.equal(inner.body.toString(), body)
  assert.equal(inner.headers['idempotency-key'], KEY)
  const payments = createTokenVerifier({
    issuers: [
      {
        issuer: 'https://gateway.caudal.local',
        jwksUrl: `${service.url}/internal/jwks.json`,
        audience: 'payments',
      },
    ],
  })
  const token = String(inner.headers.authorization).slice('Bearer '.length)
  const { kind, subject, clientId, tenantId, scopes } = await payments.verify(token)
  assert.deepEqual([kind, subject, clientId, tenantId], ['service', 'shop', 'shop', 'caudal'])
  assert.deepEqual([...scopes].toSorted(), ['payments:read', 'refunds:write'])
})

test('a client reads and cancels what belongs to its tenant', async (t) => {
  const { seen, ask, tokenOf } = await withClient(t)
  const bearer = await tokenOf('refunds:write payments:read payments:write')
  const paths = [
    ['GET', `/payments/${PAYMENT_ID}`],
    ['GET', `/payments/${PAYMENT_ID}/refunds?limit=2`],
    ['GET', `/payments/${PAYMENT_ID}/returns`],
    ['GET', `/refunds/${REFUND_ID}`],
    ['POST', `/payments/${PAYMENT_ID}/cancel`],
    ['POST', `/refunds/${REFUND_ID}/cancel`],
  ] as const
  for (const [method, path] of paths) {
    assert.equal((await ask(method, `/api/v1${path}`, { bearer })).status, 202, path)
  }
  assert.deepEqual(
    seen.map(({ method, url }) => [method, url]),
    paths.map(([method, path]) => [method, `/v1${path}`]),
  )
})

test('P1: a user gets 403 for a refund, also with its scope in the token', async (t) => {
  const { seen, ask, issuer } = await withClient(t)
  for (const scope of ['payments:read payments:write', 'refunds:write']) {
    const bearer = await issuer.sign({ scope })
    const answers = [
      await ask('POST', REFUNDS, { bearer, headers: json, body }),
      await ask('POST', `/api/v1/refunds/${REFUND_ID}/cancel`, { bearer }),
    ]
    for (const answer of answers) assertProblem(answer, 403, 'FORBIDDEN')
  }
  assert.equal(seen.length, 0)
})

test('P1: the token of a client is not valid where only users may call', async (t) => {
  const { seen, ask, pay, tokenOf } = await withClient(t)
  const bearer = await tokenOf('payments:read payments:write wallet:read')
  // A token that was verified on another route is refused all the same.
  await ask('GET', `/api/v1/payments/${PAYMENT_ID}`, { bearer })
  assertProblem(await pay({ bearer }), 401, 'UNAUTHENTICATED')
  for (const path of ['/payments', '/wallet', '/wallet/entries']) {
    assertProblem(await ask('GET', `/api/v1${path}`, { bearer }), 401, 'UNAUTHENTICATED')
  }
  assert.equal(seen.length, 1)
})
