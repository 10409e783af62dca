import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { startTestIssuer } from '@caudal/http/start-test-issuer.ts'
import { createTokenVerifier } from '@caudal/http/token-verifier.ts'
import { SignJWT, UnsecuredJWT } from 'jose'
import { assertProblem, PAYMENT_ID, startTestGateway } from './start-test-gateway.ts'

const USER = '0190b2a4-0000-7000-8000-000000000001'

test('P1: a service receives the identity in a short-lived token that the gateway issues for it', async (t) => {
  const { service, seen, pay, ask } = await startTestGateway(t)
  await pay()
  await ask('GET', '/api/v1/wallet')
  const tokens = seen.map(({ headers }) => String(headers.authorization).slice('Bearer '.length))
  const trust = {
    issuer: 'https://gateway.caudal.local',
    jwksUrl: `${service.url}/internal/jwks.json`,
  }
  const payments = createTokenVerifier({ issuers: [{ ...trust, audience: 'payments' }] })
  const user = await payments.verify(tokens[0] ?? '')
  assert.deepEqual(
    [user.kind, user.subject, user.tenantId, [...user.scopes].join(' ')],
    ['user', USER, 'caudal', 'payments:write payments:read wallet:read'],
  )
  const [, payload = ''] = (tokens[0] ?? '').split('.')
  const { exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    exp: number
    iat: number
  }
  assert.equal(exp - iat, 60)
  await assert.rejects(payments.verify(tokens[1] ?? ''), { code: 'UNAUTHENTICATED' })
})

test('P1: headers that claim an identity or an address are not forwarded', async (t) => {
  const { seen, pay, issuer } = await startTestGateway(t)
  const forged = {
    'x-user-id': 'another-user',
    'x-tenant-id': 'other',
    'x-payment-id': PAYMENT_ID,
    'x-internal-scope': 'ledger:write',
    'x-forwarded-user': 'root',
    'x-forwarded-for': '10.0.0.1',
    forwarded: 'for=10.0.0.1',
    cookie: 'session=1',
    'x-original-url': '/v1/wallet/credit',
    'x-http-method-override': 'DELETE',
  }
  await pay({
    headers: forged,
    bearer: await issuer.sign({ scope: 'payments:write ledger:write' }),
  })
  const [inner] = seen
  const allowed = [
    'host connection content-length content-type',
    'authorization traceparent x-payment-id idempotency-key',
  ]
  assert.deepEqual(
    Object.keys(inner?.headers ?? {}).toSorted(),
    allowed.join(' ').split(' ').toSorted(),
  )
  assert.notEqual(inner?.headers['x-payment-id'], PAYMENT_ID)
  const [, payload = ''] = String(inner?.headers.authorization).split('.')
  const { scope } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { scope: string }
  assert.equal(scope, 'payments:write')
})

test('P1: bad, expired, unsigned, foreign and confused tokens get 401 and are not forwarded', async (t) => {
  const { seen, pay, issuer } = await startTestGateway(t)
  const stranger = await startTestIssuer({ issuer: issuer.issuer })
  t.after(() => stranger.stop())
  const claims = { sub: USER, tenant_id: 'caudal', scope: 'payments:write' }
  const unsigned = new UnsecuredJWT({ ...claims, iss: issuer.issuer, aud: 'caudal' })
  const jwks = await (await fetch(issuer.jwksUrl)).text()
  const confused = new SignJWT({ ...claims, iss: issuer.issuer, aud: 'caudal' })
    .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
    .setExpirationTime('1h')
  const tokens = {
    none: null,
    junk: 'junk',
    expired: await issuer.sign({}, { expiresInSeconds: -60 }),
    unsigned: unsigned.setExpirationTime('1h').encode(),
    foreign: await stranger.sign(),
    confused: await confused.sign(Buffer.from(jwks)),
    'other audience': await issuer.sign({ aud: 'payments' }),
    'a service': await issuer.sign({ sub: 'orders', client_id: 'orders' }),
  }
  for (const [what, bearer] of Object.entries(tokens)) {
    const answer = await pay({ bearer })
    assertProblem(answer, 401, 'UNAUTHENTICATED')
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /, what)
  }
  for (const authorization of ['Basic dXNlcjpwYXNz', 'Bearer', `Bearer a b`, 'bearer']) {
    assertProblem(await pay({ bearer: null, headers: { authorization } }), 401, 'UNAUTHENTICATED')
  }
  assert.equal(seen.length, 0)
})

test('P1: each route needs its scope', async (t) => {
  const { seen, ask, pay, issuer } = await startTestGateway(t)
  const reader = await issuer.sign({ scope: 'payments:read' })
  const refused = await pay({ bearer: reader })
  assertProblem(refused, 403, 'FORBIDDEN')
  assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope/)
  assert.equal((await ask('GET', '/api/v1/payments', { bearer: reader })).status, 202)
  assertProblem(await ask('GET', '/api/v1/wallet', { bearer: reader }), 403, 'FORBIDDEN')
  const nothing = await issuer.sign({ scope: undefined })
  const path = `/api/v1/payments/${PAYMENT_ID}`
  assertProblem(await ask('GET', path, { bearer: nothing }), 403, 'FORBIDDEN')
  assert.equal(seen.length, 1)
})

test('P1: unknown paths and malformed ids get 404, other methods get 405', async (t) => {
  const { seen, ask } = await startTestGateway(t)
  const inner = ['/v1/payments', '/v1/wallet/credit', '/internal/payments/x/steps', '/api/v1']
  const odd = [
    '/api/v1/payments%2Fx',
    '/api/v1/wallet/credit',
    '/api/v1/PAYMENTS',
    '//api/v1/wallet',
  ]
  for (const path of [...inner, ...odd]) {
    assertProblem(await ask('GET', path), 404, 'ROUTE_NOT_FOUND')
  }
  for (const id of ['%2F..%2Fwallet', 'x', `${PAYMENT_ID}%00`, '..%5C', `${PAYMENT_ID}x`]) {
    assertProblem(await ask('GET', `/api/v1/payments/${id}`), 404, 'PAYMENT_NOT_FOUND')
  }
  assertProblem(await ask('GET', '/api/v1/payments/%ZZ'), 400, 'MALFORMED_REQUEST')
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await ask(method, '/api/v1/payments')
    assertProblem(answer, 405, 'METHOD_NOT_ALLOWED')
    assert.equal(answer.headers.get('allow'), 'GET, HEAD, POST')
  }
  assertProblem(await ask('POST', '/api/v1/wallet'), 405, 'METHOD_NOT_ALLOWED')
  assert.equal(seen.length, 0)
})

test('P1: size and type of a body are checked before it is forwarded', async (t) => {
  const { seen, pay } = await startTestGateway(t)
  assertProblem(await pay({ body: 'x'.repeat(1_000_000) }), 413, 'BODY_TOO_LARGE')
  const xml = { 'content-type': 'application/xml' }
  assertProblem(await pay({ headers: xml }), 415, 'UNSUPPORTED_MEDIA_TYPE')
  const packed = { 'content-encoding': 'gzip' }
  assertProblem(await pay({ headers: packed }), 415, 'UNSUPPORTED_MEDIA_TYPE')
  assert.equal(seen.length, 0)
  const malformed = Buffer.from([0x7b, 0xff])
  await pay({ body: malformed })
  assert.deepEqual(seen[0]?.body, malformed)
  const nested = '['.repeat(4_000)
  await pay({ body: nested })
  assert.equal(seen[1]?.body.toString(), nested, 'the service reports what is wrong with the body')
})

test('P1: headers beyond the limit are refused with a problem', async (t) => {
  const { service, seen } = await startTestGateway(t)
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.end(`GET /api/v1/wallet HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`)
  await once(socket, 'close')
  assert.match(answer, /^HTTP\/1\.1 431 [^]*HEADERS_TOO_LARGE/)
  assert.equal(seen.length, 0)
})

test('P1, F7: the rate limit of a user affects no other user and no other tenant', async (t) => {
  const env = { CAUDAL_GATEWAY_RATE_PER_SECOND: '1', CAUDAL_GATEWAY_RATE_BURST: '3' }
  const { ask, issuer, service } = await startTestGateway(t, env)
  const burst = Array.from({ length: 20 }, () => ask('GET', '/api/v1/wallet'))
  const statuses = (await Promise.all(burst)).map(({ status }) => status)
  const passed = statuses.filter((status) => status === 202).length
  // A slow machine may see a token or two come back meanwhile.
  assert.ok(passed >= 3 && passed < 10, `${passed} of 20 passed`)
  let limited = await ask('GET', '/api/v1/payments')
  for (let tries = 1; tries < 3 && limited.status !== 429; tries += 1) {
    limited = await ask('GET', '/api/v1/payments')
  }
  assertProblem(limited, 429, 'RATE_LIMITED')
  assert.equal(limited.headers.get('retry-after'), '1')
  for (const claims of [{ sub: newId() }, { tenant_id: 'another' }]) {
    const bearer = await issuer.sign(claims)
    assert.equal((await ask('GET', '/api/v1/wallet', { bearer })).status, 202)
  }
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  assert.match(metrics, new RegExp(`gateway_rate_limited_total\\{.*\\} ${21 - passed}\\n`))
})

test("without identity's keys requests get 503, and readiness reports it", async (t) => {
  const { ask, pay, issuer, seen, lines } = await startTestGateway(t)
  issuer.breakKeys(true)
  assertProblem(await pay(), 503, 'UNAVAILABLE')
  assert.match(lines.at(-1)!, /"level":"warn".*could not serve a request for now/)
  const unready = await ask('GET', '/readyz')
  assert.equal(unready.status, 503)
  assert.match(unready.text, /identity_keys/)
  assert.equal(seen.filter(({ url }) => url !== '/readyz').length, 0)
  issuer.breakKeys(false)
  assert.equal((await pay()).status, 202)
  assert.equal((await ask('GET', '/readyz')).status, 200)
})
