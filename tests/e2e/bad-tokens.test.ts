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
import { assertProblem } from '../support/assert-problem.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { type FaultyClient, createFaultyClient } from '../support/faulty-client.ts'
import { sendRequest, type RequestSpec } from '../support/send-request.ts'
import { suiteSystem } from '../support/suite-system.ts'
import {
  get,
  paymentsOf,
  paymentWithStatus,
  seed,
  type SeededUser,
  violationsOf,
} from '../support/user-client.ts'

const GATEWAY_ISSUER = 'https://gateway.caudal.local'

describe('P1: invalid tokens and forged headers give no access', () => {
  const gatewayKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  // With a known key, the tests can sign valid tokens of the gateway.
  const key = JSON.stringify(gatewayKey.export({ format: 'jwk' }))
  const env = { CAUDAL_GATEWAY_SIGNING_KEY: key }
  const system = suiteSystem(suiteScope(), { env })
  let services: System
  let client: FaultyClient
  let user: SeededUser
  let other: SeededUser

  before(async () => {
    services = await findSystem({ dataDir: system.data_dir, url: undefined })
    const users = await seed(system.data_dir, { users: 2, orders: 5, balance: '1000.00' })
    ;[user, other] = users as [SeededUser, SeededUser]
    client = createFaultyClient(system.gateway_url, user)
  })

  /** The claims of an identity token, with changes. */
  const claims = (change: object = {}) => ({ ...decodeJwt(user.token), ...change })

  test('P1: malformed, expired, unsigned and foreign tokens get 401', async () => {
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
      const answer = await client.refused(
        what,
        client.payment({ headers: { authorization } }),
        'UNAUTHENTICATED',
      )
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer /, what)
    }
    const schemes = [undefined, '', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', user.token]
    for (const authorization of [...schemes, `Bearer ${user.token} x`, `Bearer, ${user.token}`]) {
      const request = client.payment({ headers: { authorization } })
      await client.refused(`authorization: ${authorization}`, request, 'UNAUTHENTICATED')
    }
    // Two headers are refused, because another component might read the other one.
    const twice = { authorization: [`Bearer ${user.token}`, `Bearer ${user.token}`] }
    await client.refused('two tokens', client.payment({ headers: twice }), 'UNAUTHENTICATED')
  })

  test('P1: a correctly signed token gets 401 if it is expired, not yet valid or for another audience', async () => {
    const signNow = await signer()
    const sign = (change: object) => signNow(claims(change))
    const now = Math.floor(Date.now() / 1_000)
    const good = await sign({ jti: randomUUID() })
    const answer = await sendRequest(system.gateway_url, client.reading('/wallet', bearer(good)))
    assert.equal(answer.status, 200, 'a token with unchanged claims is accepted')
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
      await client.refused(what, client.reading('/wallet', bearer(token)), 'UNAUTHENTICATED')
    }
    const narrow = await sign({ scope: 'payments:read' })
    await client.refused('a scope too few', client.payment(bearer(narrow)), 'FORBIDDEN')
    await client.refused('a scope too few', client.reading('/wallet', bearer(narrow)), 'FORBIDDEN')
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
    const answer = await sendRequest(system.gateway_url, client.payment({ headers: forged }))
    assert.equal(answer.status, 202, answer.text)
    const { payment_id: id } = JSON.parse(answer.text) as { payment_id: string }
    assert.notEqual(id, forged['x-payment-id'])
    await paymentWithStatus(system.gateway_url, user, id, ['COMPLETED'])
    const stolen = await get(system.gateway_url, other, `/payments/${id}`)
    assert.equal(stolen.status, 404, 'the payment belongs to the user of the token')
    const wallet = await sendRequest(
      system.gateway_url,
      client.reading('/wallet', { headers: forged }),
    )
    const { wallet_id: walletId } = JSON.parse(wallet.text) as { wallet_id: string }
    assert.equal(walletId, user.wallet_id)
    assert.deepEqual(await paymentsOf(system.gateway_url, other), [])
  })

  test('P1: a service accepts only tokens that the gateway issued for that service', async () => {
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
        const request = { ...client.payment(bearer(token)), method, path }
        const answer = await sendRequest(services.serviceUrl(service), request)
        const people = service === 'identity' && whose === 'identity'
        const code = people ? 'FORBIDDEN' : 'UNAUTHENTICATED'
        assertProblem(answer, code, `${service} ${method} ${path} with a token of ${whose}`)
      }
    }
    const own = { headers: { authorization: `Bearer ${await internalToken('wallets')}` } }
    const answer = await sendRequest(services.serviceUrl('wallets'), { path: '/v1/wallet', ...own })
    assert.equal(answer.status, 200, answer.text)
  })

  test('verify finds no violations after these tests', async () => {
    assert.deepEqual(await violationsOf(system.data_dir), [])
    assert.equal(await system.stop(), 0)
  })

  function bearer(token: string): RequestSpec {
    return { headers: { authorization: `Bearer ${token}` } }
  }

  async function serviceToken(): Promise<string> {
    return (await clientToken(services, 'payments:read payments:write')).token
  }

  /** Signs with identity's key, which is read from its database. */
  async function signer(): Promise<(payload: JWTPayload) => Promise<string>> {
    const admin = await connectAsAdmin(system.data_dir, 'caudal_identity')
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
