import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { decodeProtectedHeader } from 'jose'
import {
  CLI,
  ISSUER,
  loginForm,
  NOTIFIER,
  startTestIdentity,
  type TestIdentity,
} from './start-test-identity.ts'

const USER = newId()
const credentials = (scope: string) => ({ grant_type: 'client_credentials', scope })

async function createUser(identity: TestIdentity, userId: string): Promise<void> {
  const token = await identity.token('users:write')
  const created = await identity.call('/v1/users', {
    token,
    body: { users: [{ user_id: userId }] },
  })
  assert.equal(created.status, 201)
}

describe('tokens', async () => {
  const identity = await startTestIdentity(suiteScope())
  await createUser(identity, USER)

  test("F14: a service's token is verified by the published keys and names client, audience and scopes", async () => {
    const answer = await identity.ask(credentials('users:read users:write'), NOTIFIER)
    assert.equal(answer.status, 200)
    assert.equal(answer.body['token_type'], 'Bearer')
    assert.equal(answer.body['expires_in'], 600)
    assert.equal(answer.body['scope'], 'users:read users:write')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    const { payload, protectedHeader } = await identity.verify(answer.body.access_token)
    assert.equal(protectedHeader.alg, 'ES256')
    assert.equal(protectedHeader.typ, 'at+jwt')
    assert.equal(payload.iss, ISSUER)
    assert.equal(payload.aud, 'caudal')
    assert.equal(payload.sub, 'notifications')
    assert.equal(payload['client_id'], 'notifications')
    assert.equal(payload['tenant_id'], 'caudal')
    assert.equal(payload['scope'], 'users:read users:write')
    assert.equal(payload.exp! - payload.iat!, 600)
  })

  test('a client may send its secret in the body', async () => {
    const form = { ...credentials('users:read'), client_id: CLI.id, client_secret: CLI.secret }
    assert.equal((await identity.ask(form, null)).status, 200)
  })

  test('a wrong secret, an unknown client and no client at all are refused in the form of OAuth', async () => {
    const wrong = await identity.ask(credentials('users:read'), { ...CLI, secret: 'x'.repeat(32) })
    assert.equal(wrong.status, 401)
    assert.equal(wrong.body['error'], 'invalid_client')
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic /)
    const unknown = await identity.ask(credentials('users:read'), { ...CLI, id: 'unknown' })
    assert.equal(unknown.body['error'], 'invalid_client')
    const none = await identity.ask(credentials('users:read'), null)
    assert.equal(none.body['error'], 'invalid_request')
  })

  test('wrong secrets are limited by address and client, before the secret is compared', async (t) => {
    const guarded = await startTestIdentity(t)
    const inBody = { client_id: CLI.id, client_secret: 'x' }
    const guess = (client: { id: string; secret: string } | null) =>
      guarded.ask({ ...credentials('users:read'), ...(client === null && inBody) }, client)
    const wrong = { ...NOTIFIER, secret: 'x'.repeat(32) }
    for (const client of [wrong, null]) {
      const statuses = await Promise.all(
        Array.from({ length: 100 }, async () => (await guess(client)).status),
      )
      const answered = statuses.filter((status) => status === 401).length
      assert.ok(answered >= 10 && answered <= 15, `${answered} guesses were answered`)
      assert.equal(statuses.filter((status) => status === 429).length, 100 - answered)
    }
    const refused = await guarded.ask(credentials('users:read'), NOTIFIER)
    assert.equal(refused.status, 429, 'the right secret is no exception, or guessing would go on')
    assert.equal(refused.body['error'], 'temporarily_unavailable')
    assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]$/)
    const many = await Promise.all(
      Array.from({ length: 50 }, () => guarded.ask(credentials('users:read'))),
    )
    assert.ok(
      many.every(({ status }) => status === 200),
      'another client is not limited',
    )
  })

  test('a client gets no scope that is not on its list', async () => {
    const answer = await identity.ask(credentials('users:read ledger:write'), NOTIFIER)
    assert.equal(answer.status, 400)
    assert.equal(answer.body['error'], 'invalid_scope')
    assert.equal(answer.body['scope'], 'ledger:write')
    const made = await identity.ask(credentials('made:up'), NOTIFIER)
    assert.ok(!('scope' in made.body), 'a scope that does not exist is not granted')
  })

  test('the token endpoint answers nonsense in the form of OAuth, never with 500', async () => {
    const grant = await identity.ask({ grant_type: 'password' })
    assert.equal(grant.body['error'], 'unsupported_grant_type')
    assert.equal((await identity.ask({})).body['error'], 'invalid_request')
    const response = await fetch(`${identity.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"grant_type":',
    })
    assert.equal(response.status, 400)
    assert.equal(((await response.json()) as { error: string }).error, 'invalid_request')
    const large = await identity.ask({ grant_type: 'x'.repeat(100_000) })
    assert.equal(large.body['error'], 'invalid_request')
  })

  test('development login issues a token that the gateway accepts', async () => {
    const answer = await identity.ask(loginForm(USER.toUpperCase()))
    assert.equal(answer.status, 200)
    assert.equal(answer.body['expires_in'], 3_600)
    const { payload } = await identity.verify(answer.body.access_token)
    assert.equal(payload.sub, USER)
    assert.equal(payload['tenant_id'], 'caudal')
    assert.equal(payload['client_id'], CLI.id)
    assert.equal(payload['scope'], 'payments:read payments:write wallet:read')
    assert.equal(payload.exp! - payload.iat!, 3_600)
    const narrow = await identity.ask(loginForm(USER, { scope: 'wallet:read' }))
    assert.equal(narrow.body['scope'], 'wallet:read')
  })

  test('development login refuses unknown users, other tenants, service scopes and other clients', async () => {
    const refusals: [ReturnType<typeof loginForm>, string][] = [
      [loginForm(newId()), 'invalid_grant'],
      [loginForm('me'), 'invalid_grant'],
      [loginForm(USER, { tenant_id: 'another' }), 'invalid_grant'],
      [loginForm(USER, { scope: 'ledger:write' }), 'invalid_scope'],
      [loginForm(''), 'invalid_request'],
    ]
    for (const [form, error] of refusals) {
      const answer = await identity.ask(form)
      assert.equal(answer.status, 400)
      assert.equal(answer.body['error'], error)
    }
    const other = await identity.ask(loginForm(USER), NOTIFIER)
    assert.equal(other.status, 400)
    assert.ok(!('access_token' in other.body))
  })

  test('tokens issued in bulk equal those of the token endpoint', async () => {
    const token = await identity.token('users:impersonate')
    const body = { users: [{ user_id: USER }, { user_id: newId() }] }
    const answer = await identity.call('/v1/tokens', { token, body })
    assert.equal(answer.status, 200)
    assert.deepEqual(
      answer.body.tokens.map((one) => one['user_id']),
      [USER],
      'who is no user is left out',
    )
    const [made] = answer.body.tokens
    const single = (await identity.ask(loginForm(USER))).body.access_token
    assert.deepEqual(decodeProtectedHeader(made!['token']!), decodeProtectedHeader(single))
    const [bulk, one] = await Promise.all([made!['token']!, single].map(identity.verify))
    const { iat, exp, jti, ...claims } = bulk!.payload
    const { iat: _iat, exp: _exp, jti: otherJti, ...expected } = one!.payload
    assert.deepEqual(claims, expected)
    assert.equal(exp! - iat!, 3_600)
    assert.notEqual(jti, otherJti)
    assert.equal(made!['expires_at'], new Date(exp! * 1_000).toISOString())
  })

  test('development login makes the token of any service, within its scopes', async () => {
    const token = await identity.token('users:impersonate tenants:any')
    const make = (clientId: string, scope: string) =>
      identity.call('/v1/client-tokens', { token, body: { client_id: clientId, scope } })
    const made = (await make('bench', 'ledger:write ledger:read')).body as unknown as {
      token: string
      expires_at: string
    }
    const { payload } = await identity.verify(made.token)
    const { iat, exp, jti: _, ...claims } = payload
    assert.deepEqual(claims, {
      iss: ISSUER,
      aud: 'caudal',
      sub: 'bench',
      sub_type: 'client',
      client_id: 'bench',
      tenant_id: 'caudal',
      scope: 'ledger:write ledger:read',
    })
    assert.equal(exp! - iat!, 600)
    assert.equal(made.expires_at, new Date(exp! * 1_000).toISOString())
    assert.equal((await make(NOTIFIER.id, 'users:read')).status, 200)
    assert.equal((await make(NOTIFIER.id, 'ledger:write')).body['code'], 'FORBIDDEN')
    assert.equal((await make('bench', 'made:up')).body['code'], 'FORBIDDEN')
    assert.equal((await make('bench', 'users:impersonate')).body['code'], 'FORBIDDEN')
    const makeIn = (tenantId: string, clientId: string) =>
      identity.call('/v1/client-tokens', {
        token,
        body: { client_id: clientId, scope: 'users:read', tenant_id: tenantId },
      })
    const abroad = (await makeIn('acme', 'bench')).body as unknown as { token: string }
    assert.equal((await identity.verify(abroad.token)).payload['tenant_id'], 'acme')
    assert.equal((await makeIn('caudal', NOTIFIER.id)).status, 200)
    assert.equal((await makeIn('acme', NOTIFIER.id)).body['code'], 'FORBIDDEN', 'it has its own')
    assert.equal((await makeIn('Acme Inc', 'bench')).body['code'], 'MALFORMED_REQUEST')
    for (const [name, scope] of [
      ['', 'ledger:write'],
      ['a b', 'ledger:write'],
      ['bench', ''],
    ]) {
      assert.equal((await make(name!, scope!)).body['code'], 'MALFORMED_REQUEST')
    }
    const issued = await identity.call('/v1/client-tokens', {
      token: made.token,
      body: { client_id: 'bench', scope: 'orders:write' },
    })
    assert.equal(issued.body['code'], 'FORBIDDEN')
  })

  test('tokens for other clients need a scope that users cannot have', async () => {
    const body = { users: [{ user_id: USER }] }
    const without = await identity.call('/v1/tokens', {
      token: await identity.token('users:read'),
      body,
    })
    assert.equal(without.body['code'], 'FORBIDDEN')
    const person = (await identity.ask(loginForm(USER))).body.access_token
    assert.equal((await identity.call('/v1/tokens', { token: person, body })).status, 403)
    assert.equal((await identity.call('/v1/tokens', { body })).body['code'], 'UNAUTHENTICATED')
  })

  test('the discovery document names the issuer and addresses that can be reached', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const response = await fetch(`${identity.url}/.well-known/${name}`)
      const document = (await response.json()) as Record<string, unknown>
      assert.equal(document['issuer'], ISSUER)
      assert.equal(document['token_endpoint'], `${identity.url}/token`)
      assert.equal(document['jwks_uri'], `${identity.url}/jwks`)
      const endpoints = Object.entries(document).filter(([key]) => /_endpoint$|_uri$/.test(key))
      for (const [key, url] of endpoints) {
        const { status } = await fetch(String(url))
        assert.ok(status !== 404, `${key} is there`)
      }
    }
  })

  test('the published keys contain no private part', async () => {
    const { keys } = (await (await fetch(`${identity.url}/jwks`)).json()) as {
      keys: Record<string, string>[]
    }
    assert.equal(keys.length, 1)
    assert.deepEqual(Object.keys(keys[0]!).toSorted(), [
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ])
  })

  test('login by browser is refused, and the library writes nothing to standard output', async (t) => {
    const outputs = [t.mock.method(console, 'info'), t.mock.method(console, 'warn')]
    const headers = { accept: 'text/html', origin: 'https://shop.test' }
    const query = `client_id=${CLI.id}&response_type=code&redirect_uri=https://shop.test`
    const response = await fetch(`${identity.url}/auth?${query}`, { headers })
    assert.equal(response.status, 400)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    await fetch(`${identity.url}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ client_id: CLI.id, client_secret: CLI.secret }),
    })
    for (const method of outputs) assert.equal(method.mock.callCount(), 0)
  })

  test('elsewhere problems are problem documents', async () => {
    const nowhere = await fetch(`${identity.url}/v1/nowhere`)
    assert.equal(nowhere.headers.get('content-type'), 'application/problem+json')
    const wrong = await fetch(`${identity.url}/token`)
    assert.equal(wrong.status, 405)
    assert.equal(wrong.headers.get('allow'), 'POST')
  })
})

test('keys and tokens survive a restart', async (t) => {
  const identity = await startTestIdentity(t)
  const token = await identity.token('users:read')
  const before = await (await fetch(`${identity.url}/jwks`)).json()
  await identity.stop()
  await identity.startAgain()
  assert.deepEqual(await (await fetch(`${identity.url}/jwks`)).json(), before)
  assert.equal((await identity.verify(token)).payload.sub, CLI.id)
})

test('without development login its grant and tokens for other clients are refused', async (t) => {
  const identity = await startTestIdentity(t, { developmentLogin: false })
  const answer = await identity.ask(loginForm(USER))
  assert.equal(answer.body['error'], 'unsupported_grant_type')
  const body = { users: [{ user_id: USER }] }
  const token = await identity.token('users:impersonate')
  const refused = await identity.call('/v1/tokens', { token, body })
  assert.equal(refused.body['code'], 'ROUTE_NOT_FOUND')
})
