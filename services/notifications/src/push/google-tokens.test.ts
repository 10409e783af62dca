import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createGoogleTokens } from './google-tokens.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })

async function startIssuer(t: TestContext) {
  const issuer = { status: 200, expiresIn: 3_600 as unknown, forms: [] as URLSearchParams[] }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      issuer.forms.push(new URLSearchParams(text))
      const body = { access_token: `token-${issuer.forms.length}`, expires_in: issuer.expiresIn }
      response.writeHead(issuer.status).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const account = {
    project_id: 'shop',
    client_email: 'push@shop.example',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    token_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
  }
  const clock = { nowMs: 1_000_000 }
  const tokens = createGoogleTokens(account, 2_000, () => clock.nowMs)
  return { issuer, account, clock, tokens }
}

test('P6: an access token is requested with a signed assertion (RFC 7523)', async (t) => {
  const { issuer, account, tokens } = await startIssuer(t)
  assert.equal(await tokens.get(), 'token-1')
  const [form] = issuer.forms
  assert.equal(form!.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  const assertion = form!.get('assertion')!
  assert.equal(decodeProtectedHeader(assertion).alg, 'RS256')
  const { iss, aud, scope } = decodeJwt(assertion)
  assert.deepEqual(
    [iss, aud, scope],
    [account.client_email, account.token_uri, 'https://www.googleapis.com/auth/firebase.messaging'],
  )
})

test('P6: a token is renewed before it expires, and stays in use while its renewal fails', async (t) => {
  const { issuer, clock, tokens } = await startIssuer(t)
  await tokens.get()
  clock.nowMs += 3_600_000 * 0.95
  issuer.status = 500
  assert.equal(await tokens.get(), 'token-1')
  clock.nowMs += 1_000
  issuer.status = 200
  assert.equal(await tokens.get(), 'token-3')
  clock.nowMs += 3_600_001
  issuer.status = 500
  await assert.rejects(tokens.get(), /answered 500/)
})

test('P6: a token without a lifetime is used and not requested in a loop', async (t) => {
  const { issuer, tokens } = await startIssuer(t)
  for (const expiresIn of [0, undefined, 'soon']) {
    issuer.expiresIn = expiresIn
    const asked = issuer.forms.length
    tokens.refused(await tokens.get())
    assert.equal(issuer.forms.length, asked + 1)
  }
})
