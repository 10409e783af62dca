import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { jwtVerify } from 'jose'
import { createProviderTokens } from './provider-tokens.ts'

const MINUTE_MS = 60_000
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = {
  keyId: 'KEY1',
  teamId: 'TEAM1',
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
}

function given() {
  const clock = { nowMs: Date.now() }
  return { clock, tokens: createProviderTokens(key, () => clock.nowMs) }
}

test('P6: a provider token is signed by the team and names its key', async () => {
  const { tokens } = given()
  const { payload, protectedHeader } = await jwtVerify(await tokens.get(), publicKey)
  assert.deepEqual(protectedHeader, { alg: 'ES256', kid: 'KEY1' })
  assert.equal(payload.iss, 'TEAM1')
})

test('P6: one provider token serves all notifications for forty minutes', async () => {
  const { clock, tokens } = given()
  const [first, second] = await Promise.all([tokens.get(), tokens.get()])
  assert.equal(first, second)
  clock.nowMs += 39 * MINUTE_MS
  assert.equal(await tokens.get(), first)
  clock.nowMs += 2 * MINUTE_MS
  assert.notEqual(await tokens.get(), first)
})

test('P6: Apple never receives two new provider tokens within twenty minutes', async () => {
  const { clock, tokens } = given()
  const first = await tokens.get()
  tokens.expired(first)
  assert.equal(await tokens.get(), first)
  clock.nowMs += 21 * MINUTE_MS
  tokens.expired(first)
  const second = await tokens.get()
  assert.notEqual(second, first)
  // The answers to other notifications with the old token change nothing.
  clock.nowMs += 21 * MINUTE_MS
  tokens.expired(first)
  assert.equal(await tokens.get(), second)
})

test('P6: a key that cannot sign causes an error at each use', async () => {
  const tokens = createProviderTokens({ ...key, privateKey: 'nonsense' })
  await assert.rejects(tokens.get())
  await assert.rejects(tokens.get())
})
