import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { exportJWK, generateKeyPair } from 'jose'
import type { Adapter } from 'oidc-provider'
import { DEVELOPMENT_LOGIN } from '../domain/access-token.ts'
import type { SigningKey } from '../domain/signing-key.ts'
import { createProvider } from './create-provider.ts'
import { createProviderCounters } from './observe-provider.ts'

const SECRET = 'secret-of-the-command-line'

class Unreachable extends Error {
  readonly code = 'DATABASE_UNAVAILABLE'
  readonly retryable = true
}

type Asked = { response: Response; body: Record<string, unknown> }

/** The answer to a login while asking for the user and the storage fail like this. */
async function loginWhile(
  t: TestContext,
  failure: Error,
  form: Record<string, string> = {},
): Promise<Asked> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const privateJwk = (await exportJWK(privateKey)) as SigningKey['privateJwk']
  const grants = [DEVELOPMENT_LOGIN]
  const scopes = ['users:read']
  const clientId = 'caudal-cli'
  const provider = createProvider({
    issuer: 'https://identity.test',
    keys: [{ kid: 'one', privateJwk, signsFrom: new Date(0) }],
    clients: [{ clientId, clientSecret: SECRET, scopes, grants, tenantId: 'caudal' }],
    developmentLogin: true,
    behindProxy: false,
    createAdapter: () => failingAdapter(failure),
    isUser: () => Promise.reject(failure),
    logger: createLogger({ service: 'identity', level: 'silent' }),
    counters: createProviderCounters(createMetrics('identity')),
  })
  const handle = provider.callback()
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: DEVELOPMENT_LOGIN,
      client_id: clientId,
      client_secret: SECRET,
      user_id: newId(),
      tenant_id: 'caudal',
      ...form,
    }),
  })
  return { response, body: (await response.json()) as Asked['body'] }
}

function failingAdapter(failure: Error): Adapter {
  const fail = () => Promise.reject(failure)
  const names = ['upsert', 'find', 'findByUid', 'findByUserCode', 'consume', 'destroy'] as const
  const methods = Object.fromEntries([...names, 'revokeByGrantId'].map((name) => [name, fail]))
  return methods as unknown as Adapter
}

test('a token request gets a 503 problem while the database is down', async (t) => {
  const down = new Unreachable('no connection to 10.0.0.1')
  // A client that is not configured is looked up in the storage.
  for (const form of [{}, { client_id: 'unknown' }]) {
    const { response, body } = await loginWhile(t, down, form)
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.equal(response.headers.get('retry-after'), '1')
    assert.deepEqual([body['code'], body['status']], ['UNAVAILABLE', 503])
    assert.match(String(body['trace_id']), /^[0-9a-f]{32}$/)
    assert.equal(body['error'], 'temporarily_unavailable', "OAuth's own member")
    assert.ok(!JSON.stringify(body).includes('10.0.0.1'))
  }
})

test('an internal fault is a server error without details', async (t) => {
  const { response, body } = await loginWhile(t, new TypeError('a bug'))
  assert.deepEqual([response.status, body['error']], [500, 'server_error'])
})
