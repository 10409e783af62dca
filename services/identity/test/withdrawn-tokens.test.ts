import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createTokenVerifier } from '@caudal/http/token-verifier.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { request } from 'undici'
import {
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

test('a new key is published and signs without a restart, and old tokens stay valid', async (t) => {
  const identity = await startTestIdentity(t)
  const old = await identity.token('users:read')
  const plant = async (kid: string, signsFrom: string, retiresIn?: string): Promise<void> => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    await identity.db.query(
      `INSERT INTO signing_keys (kid, private_jwk, signs_from, retired_at)
       VALUES ($1, $2, now() + $3::interval, now() + $4::interval)`,
      [kid, JSON.stringify(await exportJWK(privateKey)), signsFrom, retiresIn ?? null],
    )
  }
  const published = async (): Promise<(string | undefined)[]> => {
    const answer = await fetch(`${identity.url}/jwks`)
    return ((await answer.json()) as { keys: { kid?: string }[] }).keys.map(({ kid }) => kid)
  }
  const kidOf = (token: string) => decodeProtectedHeader(token).kid
  await plant('next', '1 hour')
  await eventually(async () => (await published()).length === 2)
  assert.equal(kidOf(await identity.token('users:read')), kidOf(old))

  await plant('current', '-1 second')
  await eventually(async () => (await published()).includes('current'))
  const fresh = await identity.token('users:read')
  assert.equal(kidOf(fresh), 'current')
  await identity.verify(fresh)
  await identity.verify(old)

  await plant('brief', '-2 seconds', '3 seconds')
  await eventually(async () => (await published()).includes('brief'))
  await eventually(async () => !(await published()).includes('brief'))
})

test('tokens of deleted users and clients are withdrawn', async (t) => {
  const identity = await startTestIdentity(t)
  await createUser(identity, USER)
  const revocationsUrl = `${identity.url}/revocations`
  const verifier = createTokenVerifier({
    issuers: [
      { issuer: ISSUER, jwksUrl: `${identity.url}/jwks`, audience: 'caudal', revocationsUrl },
    ],
  })
  const accepted = (token: string) =>
    verifier.verify(token).then(
      () => true,
      () => false,
    )
  const user = (await identity.ask(loginForm(USER))).body.access_token
  const client = (await identity.ask(credentials('users:read'), NOTIFIER)).body.access_token
  assert.deepEqual([await accepted(user), await accepted(client)], [true, true])

  const token = await identity.token('users:write')
  const remove = () =>
    fetch(`${identity.url}/v1/users/${USER}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
  assert.equal((await remove()).status, 204)
  assert.equal((await remove()).status, 404)
  await eventually(async () => !(await accepted(user)))
  assert.equal((await identity.ask(loginForm(USER))).body['error'], 'invalid_grant')
  assert.equal(await accepted(client), true)

  await identity.stop()
  await identity.startAgain({ clients: [], port: Number(new URL(revocationsUrl).port) })
  await eventually(async () => !(await accepted(client)))
  const list = await (await fetch(revocationsUrl)).text()
  assert.ok(
    !list.includes(USER) && !list.includes(NOTIFIER.id),
    'the list has no ids in plain text',
  )
})

test('the metadata has the public address of the configuration, not that of a header', async (t) => {
  const identity = await startTestIdentity(t, {
    publicUrl: 'https://login.shop.example',
    edge: { hosts: ['login.shop.example'] },
  })
  const ask = async (headers: Record<string, string>) => {
    const url = `${identity.url}/.well-known/openid-configuration`
    const { statusCode, body } = await request(url, { headers })
    return { status: statusCode, metadata: (await body.json()) as Record<string, unknown> }
  }
  const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
  for (const headers of [{}, { host: 'login.shop.example' }, forwarded]) {
    const { metadata } = await ask(headers)
    assert.equal(metadata['token_endpoint'], 'https://login.shop.example/token')
  }
  assert.equal((await ask({ host: 'evil.example' })).status, 400)
})

test('only the resource that the tokens are for is known', async (t) => {
  const identity = await startTestIdentity(t)
  await createUser(identity, USER)
  for (const form of [credentials('users:read'), loginForm(USER)]) {
    const known = await identity.ask({ ...form, resource: 'urn:caudal:api' })
    assert.equal(known.status, 200)
    const foreign = await identity.ask({ ...form, resource: 'https://evil.example/api' })
    assert.deepEqual([foreign.status, foreign.body['error']], [400, 'invalid_target'])
  }
})
