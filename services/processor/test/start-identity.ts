import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export type Identity = { url: string; token(scope: string, client?: string): Promise<string> }

/** A server with the keys of an issuer, which signs tokens of services. */
export async function startIdentity(scope: TestScope): Promise<Identity> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'test' }
  const server = createServer(({ url }, response) => {
    const body = url === '/revocations' ? { keys: ['test'], revoked: [] } : { keys: [jwk] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    token: (granted, client = 'caudal-cli') =>
      new SignJWT({ tenant_id: 'caudal', client_id: client, scope: granted })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
        .setIssuedAt()
        .setIssuer('https://identity.caudal.local')
        .setAudience('caudal')
        .setSubject(client)
        .setExpirationTime('5m')
        .sign(privateKey),
  }
}
