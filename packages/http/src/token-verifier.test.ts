import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type CryptoKey, exportSPKI, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { Problem } from './problem.ts'
import { startTestIssuer, type TestIssuer } from './start-test-issuer.ts'
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts'

async function verifying(t: TestContext, options: { nowMs?: () => number } = {}) {
  const issuer = await startTestIssuer()
  t.after(() => issuer.stop())
  const verifier = createTokenVerifier({
    issuers: [trust(issuer)],
    ...(options.nowMs === undefined ? {} : { now: options.nowMs }),
  })
  return { issuer, verifier }
}

function trust({ issuer, jwksUrl }: TestIssuer) {
  return { issuer, jwksUrl, audience: 'caudal' }
}

function unavailable(error: unknown): boolean {
  return error instanceof Problem && error.code === 'UNAVAILABLE'
}

async function assertRefused(verifier: TokenVerifier, token: string, why: string): Promise<void> {
  await assert.rejects(
    verifier.verify(token),
    (error) => error instanceof Problem && error.code === 'UNAUTHENTICATED',
    why,
  )
  assert.equal(verifier.cached(token), undefined, why)
}

test('P1: a valid token becomes the identity of its subject', async (t) => {
  const { issuer, verifier } = await verifying(t)
  const user = await verifier.verify(await issuer.sign({ client_id: 'caudal-cli' }))
  assert.equal(user.kind, 'user')
  assert.equal(user.subject, '0190b2a4-0000-7000-8000-000000000001')
  assert.equal(user.tenantId, 'caudal')
  assert.deepEqual([...user.scopes], ['payments:write', 'payments:read', 'wallet:read'])
  assert.equal(user.issuer, issuer.issuer)
  const service = await verifier.verify(await issuer.sign({ sub: 'orders', client_id: 'orders' }))
  assert.deepEqual([service.kind, service.clientId], ['service', 'orders'])
})

test('P1: every asymmetric algorithm of the allow-list is accepted', async (t) => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
    const issuer = await startTestIssuer({ algorithm })
    t.after(() => issuer.stop())
    const verifier = createTokenVerifier({ issuers: [trust(issuer)] })
    assert.equal((await verifier.verify(await issuer.sign())).tenantId, 'caudal', algorithm)
  }
})

test('P1: tokens that lack a claim or carry a wrong one are refused', async (t) => {
  const { issuer, verifier } = await verifying(t)
  const wrong: Array<[Record<string, unknown>, string]> = [
    [{ iss: 'https://elsewhere.example' }, 'foreign issuer'],
    [{ iss: undefined }, 'no issuer'],
    [{ aud: 'other' }, 'foreign audience'],
    [{ aud: undefined }, 'no audience'],
    [{ exp: undefined }, 'no expiry'],
    [{ sub: undefined }, 'no subject'],
    [{ sub: '' }, 'empty subject'],
    [{ tenant_id: undefined }, 'no tenant'],
    [{ tenant_id: 7 }, 'tenant of a wrong type'],
    [{ tenant_id: 'Caudal Inc' }, 'a tenant that is no name'],
    [{ sub: 'anna' }, 'a user that is no UUID'],
    [{ sub: 'orders', client_id: 'wallets' }, 'neither a user nor a client'],
    [{ sub_type: 'client' }, 'a user with the kind of a client'],
    [{ sub: 'orders', client_id: 'orders', sub_type: 'user' }, 'a client with the kind of a user'],
    [{ sub_type: 'admin' }, 'an unknown kind'],
    [{ iat: undefined }, 'no time of issue'],
    [{ iat: Math.floor(Date.now() / 1_000) + 60 }, 'issued in the future'],
    [{ exp: Math.floor(Date.now() / 1_000) + 315_360_000 }, 'for ten years'],
    [{ nbf: Math.floor(Date.now() / 1_000) + 60 }, 'not valid yet'],
  ]
  for (const [claims, why] of wrong) await assertRefused(verifier, await issuer.sign(claims), why)
  const expired = await issuer.sign({}, { expiresInSeconds: -60 })
  await assertRefused(verifier, expired, 'expired')
})

test('P1: only an access token by its type is accepted', async (t) => {
  const { issuer, verifier } = await verifying(t)
  for (const typ of [undefined, 'JWT', 'id_token+jwt', 'dpop+jwt', '', 7]) {
    await assertRefused(verifier, await issuer.sign({}, { header: { typ } }), `typ ${typ}`)
  }
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
    assert.equal((await verifier.verify(await issuer.sign({}, { header: { typ } }))).kind, 'user')
  }
})

test('P1: the subject of a user is a UUID in lower case, and its kind may be stated', async (t) => {
  const { issuer, verifier } = await verifying(t)
  const sub = '0190b2a4-0000-7000-8000-00000000000a'
  const capitals = await verifier.verify(await issuer.sign({ sub: sub.toUpperCase() }))
  assert.equal(capitals.subject, sub)
  const stated = await verifier.verify(await issuer.sign({ sub, client_id: sub, sub_type: 'user' }))
  assert.equal(stated.kind, 'user')
  const client = { sub: 'orders', client_id: 'orders', sub_type: 'client' }
  assert.equal((await verifier.verify(await issuer.sign(client))).kind, 'service')
})

test('an issuer may be trusted for shorter lives only', async (t) => {
  const { issuer } = await verifying(t)
  const verifier = createTokenVerifier({
    issuers: [{ ...trust(issuer), maxLifetimeSeconds: 300 }],
  })
  await verifier.verify(await issuer.sign({}, { expiresInSeconds: 300 }))
  await assertRefused(verifier, await issuer.sign({}, { expiresInSeconds: 301 }), 'too long')
})

test('P1: unsigned, foreign-signed, altered and oversized tokens are refused', async (t) => {
  const { issuer, verifier } = await verifying(t)
  const claims = { sub: 'u', tenant_id: 'caudal', scope: 'payments:write' }
  const unsigned = new UnsecuredJWT({ ...claims, iss: issuer.issuer, aud: 'caudal' })
  await assertRefused(verifier, unsigned.setExpirationTime('1h').encode(), 'alg none')

  const stranger = await startTestIssuer({ issuer: issuer.issuer })
  t.after(() => stranger.stop())
  await assertRefused(verifier, await stranger.sign(), 'foreign signature, same key id')
  const unknownKey = await stranger.sign({}, { header: { kid: 'key-9' } })
  await assertRefused(verifier, unknownKey, 'unknown key id')

  const [header, payload, signature] = (await issuer.sign()).split('.')
  const raised = Buffer.from(JSON.stringify({ iss: issuer.issuer, aud: 'caudal', sub: 'root' }))
  await assertRefused(verifier, `${header}.${raised.toString('base64url')}.${signature}`, 'altered')
  await assertRefused(verifier, `${header}.${payload}.`, 'signature cut off')
  for (const junk of ['', 'x', 'a.b.c', `${header}.${payload}`, '....']) {
    await assertRefused(verifier, junk, `junk ${junk}`)
  }
  const long = await issuer.sign({ filler: 'x'.repeat(10_000) })
  await assertRefused(verifier, long, 'oversized')
})

test('P1: a public key used as an HMAC secret signs nothing (algorithm confusion)', async (t) => {
  const issuer = await startTestIssuer({ algorithm: 'RS256' })
  t.after(() => issuer.stop())
  const verifier = createTokenVerifier({ issuers: [trust(issuer)] })
  const { keys } = (await (await fetch(issuer.jwksUrl)).json()) as { keys: [JWK] }
  const publicKey = (await importJWK(keys[0])) as CryptoKey
  for (const secret of [await exportSPKI(publicKey), JSON.stringify(keys[0])]) {
    const forged = await new SignJWT({ tenant_id: 'caudal' })
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .setIssuer(issuer.issuer)
      .setAudience('caudal')
      .setSubject('root')
      .setExpirationTime('1h')
      .sign(Buffer.from(secret))
    await assertRefused(verifier, forged, 'HS256')
  }
})

test('an issuer is trusted only for its configured callers', async (t) => {
  const { issuer } = await verifying(t)
  const services = createTokenVerifier({ issuers: [{ ...trust(issuer), kinds: ['service'] }] })
  await assertRefused(services, await issuer.sign(), 'a user from an issuer of services')
  const token = await issuer.sign({ sub: 'orders', client_id: 'orders' })
  assert.equal((await services.verify(token)).kind, 'service')
})

test('keys that cannot be fetched cause UNAVAILABLE, never an admission and never 401', async (t) => {
  const { issuer, verifier } = await verifying(t)
  issuer.breakKeys(true)
  const token = await issuer.sign()
  await assert.rejects(verifier.verify(token), unavailable)
  await assert.rejects(verifier.checkKeys())
  issuer.breakKeys(false)
  assert.equal((await verifier.verify(token)).kind, 'user')
  await verifier.checkKeys()
  await issuer.stop()
  assert.equal((await verifier.verify(token)).kind, 'user')
  const unreachable = createTokenVerifier({ issuers: [trust(issuer)] })
  await assert.rejects(unreachable.verify(token), unavailable)
})

test('a verified token is cached until it expires, five minutes at most', async (t) => {
  let nowMs = Date.now()
  const { issuer, verifier } = await verifying(t, { nowMs: () => nowMs })
  const short = await issuer.sign({}, { expiresInSeconds: 60 })
  const long = await issuer.sign({}, { expiresInSeconds: 3_600 })
  assert.equal(verifier.cached(short), undefined)
  assert.equal(await verifier.verify(short), verifier.cached(short))
  await verifier.verify(long)
  nowMs += 61_000
  assert.equal(verifier.cached(short), undefined)
  assert.notEqual(verifier.cached(long), undefined)
  nowMs += 5 * 60_000
  assert.equal(verifier.cached(long), undefined)
  await assertRefused(verifier, short, 'expired meanwhile')
  assert.equal((await verifier.verify(long)).kind, 'user')
})

test('a burst with one fresh token fetches the keys once and verifies once', async (t) => {
  const { issuer, verifier } = await verifying(t)
  const token = await issuer.sign()
  const identities = await Promise.all(Array.from({ length: 200 }, () => verifier.verify(token)))
  assert.equal(new Set(identities).size, 1)
  assert.equal(issuer.fetches, 1)
})

test('the new key of a restarted issuer is accepted after a second', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const { issuer, verifier } = await verifying(t)
  await verifier.verify(await issuer.sign())
  await issuer.rotate()
  const token = await issuer.sign()
  await assertRefused(verifier, token, 'the keys were fetched a moment ago')
  assert.equal(issuer.fetches, 1)
  t.mock.timers.tick(1_001)
  assert.equal((await verifier.verify(token)).kind, 'user')
  assert.equal(issuer.fetches, 2)
})
