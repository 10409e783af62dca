import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { exportJWK, generateKeyPair } from 'jose'
import { DEVELOPMENT_LOGIN } from '../domain/access-token.ts'
import type { SigningKey } from '../domain/signing-key.ts'
import { createProvider } from './create-provider.ts'
import { createProviderCounters } from './observe-provider.ts'

const SECRET = 'secret-of-the-command-line'

class Unreachable extends Error {
  readonly code = 'DATABASE_UNAVAILABLE'
  readonly retryable = true
}

/** The status and error that a login gets while asking for the user fails like this. */
async function loginWhile(t: TestContext, failure: Error): Promise<[number, string]> {
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
    createAdapter: () => assert.fail('nothing is stored'),
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
    }),
  })
  return [response.status, ((await response.json()) as { error: string }).error]
}

test('a login fails with a retryable error while the database is down', async (t) => {
  const answer = await loginWhile(t, new Unreachable('no connection to 10.0.0.1'))
  assert.deepEqual(answer, [503, 'temporarily_unavailable'])
})

test('an internal fault is a server error without details', async (t) => {
  assert.deepEqual(await loginWhile(t, new TypeError('a bug')), [500, 'server_error'])
})
