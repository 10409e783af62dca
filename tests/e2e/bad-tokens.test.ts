import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findSystem, type System } from 'caudal/system/find-system.ts'
import { clientToken } from 'caudal/system/tokens.ts'
import {
  calculateJwkThumbprint,
  decodeJwt,
  exportJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { ask, type Ask } from '../support/ask-gateway.ts'
import { assertProblem } from '../support/assert-problem.ts'
import { type CarelessCaller, createCarelessCaller } from '../support/careless-caller.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { dataDirectory, launchSystem, type LaunchedSystem } from '../support/launch-system.ts'
import {
  get,
  paymentsOf,
  paymentWithStatus,
  seed,
  type SeededUser,
  violationsOf,
} from '../support/user-client.ts'

const GATEWAY_ISSUER = 'https://gateway.caudal.local'

describe('P1: nobody gets in by a token or a header that is not good', () => {
  const scope = suiteScope()
  const gatewayKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  let system: LaunchedSystem
  let services: System
  let caller: CarelessCaller
  let user: SeededUser
  let other: SeededUser
  let dataDir = ''

  before(async () => {
    dataDir = await dataDirectory(scope)
    // A known key lets the tests hold a token that is truly the gateway's own.
    const key = JSON.stringify(gatewayKey.export({ format: 'jwk' }))
    system = await launchSystem(scope, { dataDir, env: { CAUDAL_GATEWAY_SIGNING_KEY: key } })
    services = await findSystem({ dataDir, url: undefined })
    const users = await seed(dataDir, { users: 2, orders: 5, balance: '1000.00' })
    ;[user, other] = users as [SeededUser, SeededUser]
    caller = createCarelessCaller(system.gateway_url, user)
  })

  /** Like a token of identity, but for what the test changes. */
  const claims = (change: object = {}) => ({ ...decodeJwt(user.token), ...change })

  test('P1: tokens that are bad, expired, unsigned or foreign are 401', async () => {
    const jwks = (await (await fetch(`${services.serviceUrl('identity')}/jwks`)).json()) as {
      keys: { kid: string; alg: string }[]
    }
    const { kid, alg } = jwks.keys[0]!
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const sign = (change: object, header: object = {}) =>
      new SignJWT(claims(change))
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt', ...header })
        .sign(foreign.privateKey)
    const [head, payload, signature] = user.token.split('.') as [string, string, string]
    const forged = Buffer.from(JSON.stringify(claims({ sub: other.user_id }))).toString('base64url')
    const publicKey = createPublicKey({ key: jwks.keys[0]!, format: 'jwk' })
    const secret = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
    const now = Math.floor(Date.now() / 1_000)
    const tokens: Record<string, string> = {
      junk: 'junk',
      'three dots': '...',
      'no JSON': 'a.b.c',
      'cut off': user.token.slice(0, -10),
      'without its signature': `${head}.${payload}.`,
      'another payload under the signature': `${head}.${forged}.${signature}`,
      'alg none': new UnsecuredJWT(claims()).encode(),
      'alg none, signature kept': `${new UnsecuredJWT(claims()).encode()}${signature}`,
      'HS256 with the public key': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(secret),
      'HS256 with the key set': await new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(Buffer.from(JSON.stringify(jwks))),
      'signed by another key under a known id': await sign({}),
      'signed by another key under no id': await sign({}, { kid: undefined }),
      'signed by another key under an odd id': await sign({}, { kid: '../../etc/passwd' }),
      'its own key inside': await sign({}, { jwk: await exportJWK(foreign.publicKey) }),
      'unknown critical header': await sign({}, { crit: ['b64'], b64: true }),
      'expired, and foreign': await sign({ exp: now - 3_600 }),
      'of another issuer': await sign({ iss: 'https://evil.example' }),
      'of the gateway, for the payments service': await internalToken('payments'),
      'of a service': await serviceToken(),
      'very long': `${user.token}${'x'.repeat(9_000)}`,
    }
    assert.ok(alg !== 'none')
    for (const [what, token] of Object.entries(tokens)) {
      const authorization = `Bearer ${token}`
      const answer = await caller.refused(
        what,
        caller.payment({ headers: { authorization } }),
        'UNAUTHENTICATED',
      )
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /, what)
    }
    const schemes = [undefined, '', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', user.token]
    for (const authorization of [...schemes, `Bearer ${user.token} x`, `Bearer, ${user.token}`]) {
      const request = caller.payment({ headers: { authorization } })
      await caller.refused(`authorization: ${authorization}`, request, 'UNAUTHENTICATED')
    }
    // Two are none, whoever they speak of: another reader might take the other.
    const twice = { authorization: [`Bearer ${user.token}`, `Bearer ${user.token}`] }
    await caller.refused('two tokens', caller.payment({ headers: twice }), 'UNAUTHENTICATED')
  })

  test('P1: a token of the right key is 401 when expired, not yet valid or for others', async () => {
    const signNow = await signer()
    const sign = (change: object) => signNow(claims(change))
    const now = Math.floor(Date.now() / 1_000)
    const good = await sign({ jti: randomUUID() })
    const answer = await ask(system.gateway_url, caller.reading('/wallet', bearer(good)))
    assert.equal(answer.status, 200, 'the key signs what is accepted')
    const changes: Record<string, object> = {
      expired: { exp: now - 60 },
      'without an end': { exp: undefined },
      'with an end that is no number': { exp: 'tomorrow' },
      'not valid yet': { nbf: now + 3_600 },
      'for another audience': { aud: 'payments' },
      'for no audience': { aud: undefined },
      'of another issuer': { iss: GATEWAY_ISSUER },
      'of no issuer': { iss: undefined },
      'without a subject': { sub: undefined },
      'without a tenant': { tenant_id: undefined },
      'of a client': { sub: 'caudal-cli', client_id: 'caudal-cli' },
    }
    for (const [what, change] of Object.entries(changes)) {
      const token = await sign(change)
      await caller.refused(what, caller.reading('/wallet', bearer(token)), 'UNAUTHENTICATED')
    }
    const narrow = await sign({ scope: 'payments:read' })
    await caller.refused('a scope too few', caller.payment(bearer(narrow)), 'FORBIDDEN')
    await caller.refused('a scope too few', caller.reading('/wallet', bearer(narrow)), 'FORBIDDEN')
  })

  test('P1: forged identity headers with a valid token change nothing', async () => {
    const forged = {
      'x-user-id': other.user_id,
      'x-tenant-id': 'another',
      'x-on-behalf-of': other.user_id,
      'x-payment-id': randomUUID(),
      'x-scope': 'ledger:write',
      'x-internal-token': await internalToken('payments'),
      'x-forwarded-user': other.user_id,
      'x-original-url': '/v1/wallet/credit',
      'x-http-method-override': 'GET',
      forwarded: 'for=10.0.0.1',
    }
    const answer = await ask(system.gateway_url, caller.payment({ headers: forged }))
    assert.equal(answer.status, 202, answer.text)
    const { payment_id: id } = JSON.parse(answer.text) as { payment_id: string }
    assert.notEqual(id, forged['x-payment-id'])
    await paymentWithStatus(system.gateway_url, user, id, ['COMPLETED'])
    const stolen = await get(system.gateway_url, other, `/payments/${id}`)
    assert.equal(stolen.status, 404, 'the payment is of whom the token names')
    const wallet = await ask(system.gateway_url, caller.reading('/wallet', { headers: forged }))
    const { wallet_id: walletId } = JSON.parse(wallet.text) as { wallet_id: string }
    assert.equal(walletId, user.wallet_id)
    assert.deepEqual(await paymentsOf(system.gateway_url, other), [])
  })

  test('P1: behind the gateway only its own tokens for that very service are taken', async () => {
    const id = randomUUID()
    const routes: [string, string, string][] = [
      ['payments', 'POST', '/v1/payments'],
      ['payments', 'GET', '/v1/payments'],
      ['payments', 'GET', `/v1/payments/${id}`],
      ['payments', 'GET', `/internal/payments/${id}/steps`],
      ['wallets', 'GET', '/v1/wallet'],
      ['wallets', 'GET', '/v1/wallet/entries'],
      ['wallets', 'POST', '/v1/wallet/credit'],
      ['wallets', 'GET', `/internal/payments/${id}/steps`],
      ['orders', 'GET', `/v1/users/${user.user_id}/orders`],
      ['orders', 'POST', '/v1/orders/lookup'],
      ['identity', 'POST', '/v1/users/lookup'],
      ['processor', 'GET', `/internal/payments/${id}/steps`],
      ['notifications', 'GET', `/internal/payments/${id}/steps`],
    ]
    for (const [service, method, path] of routes) {
      const elsewhere = service === 'payments' ? 'wallets' : 'payments'
      const tokens = { identity: user.token, gateway: await internalToken(elsewhere) }
      for (const [whose, token] of Object.entries(tokens)) {
        const request = { ...caller.payment(bearer(token)), method, path }
        const answer = await ask(services.serviceUrl(service), request)
        const people = service === 'identity' && whose === 'identity'
        const code = people ? 'FORBIDDEN' : 'UNAUTHENTICATED'
        assertProblem(answer, code, `${service} ${method} ${path} with a token of ${whose}`)
      }
    }
    const own = { headers: { authorization: `Bearer ${await internalToken('wallets')}` } }
    const answer = await ask(services.serviceUrl('wallets'), { path: '/v1/wallet', ...own })
    assert.equal(answer.status, 200, answer.text)
  })

  test('after all of it nothing is wrong', async () => {
    assert.deepEqual(await violationsOf(dataDir), [])
    assert.equal(await system.stop(), 0)
  })

  function bearer(token: string): Ask {
    return { headers: { authorization: `Bearer ${token}` } }
  }

  async function serviceToken(): Promise<string> {
    return (await clientToken(services, 'payments:read payments:write')).token
  }

  /** The key that identity signs with, out of its database. */
  async function signer(): Promise<(payload: JWTPayload) => Promise<string>> {
    const admin = await connectAsAdmin(dataDir, 'caudal_identity')
    const { rows } = await admin.query<{ kid: string; private_jwk: JWK }>(
      'SELECT kid, private_jwk FROM signing_keys',
    )
    await admin.end()
    const [{ kid, private_jwk: jwk }] = rows as [(typeof rows)[0]]
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const header = { alg: 'ES256', kid, typ: 'at+jwt' }
    return (payload) => new SignJWT(payload).setProtectedHeader(header).sign(key)
  }

  async function internalToken(audience: string): Promise<string> {
    const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(gatewayKey)))
    return new SignJWT({ tenant_id: 'caudal', scope: 'payments:write payments:read wallet:read' })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .setIssuer(GATEWAY_ISSUER)
      .setAudience(audience)
      .setSubject(user.user_id)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(gatewayKey)
  }
})
