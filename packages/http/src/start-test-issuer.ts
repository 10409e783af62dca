import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface TestIssuer {
  issuer: string
  url: string
  jwksUrl: string
  /** Key-set requests served so far. */
  readonly fetches: number
  /** A signed token. Claims given as undefined are left out; `expiresInSeconds` may be negative. */
  sign(
    claims?: Record<string, unknown>,
    options?: { expiresInSeconds?: number; header?: Record<string, unknown> },
  ): Promise<string>
  /** Replaces the signing key, as a restart without a kept key would. */
  rotate(): Promise<void>
  /** While broken, the key set is answered with 500. */
  breakKeys(broken: boolean): void
  stop(): Promise<void>
}

type Algorithm = 'ES256' | 'RS256' | 'PS256' | 'EdDSA'

/**
 * An issuer of tokens for tests: real keys, a real key set over HTTP. Its tokens carry the claims
 * of a user of tenant `caudal` with every public scope, for audience `caudal`, by default.
 */
export async function startTestIssuer(
  options: { issuer?: string; algorithm?: Algorithm } = {},
): Promise<TestIssuer> {
  const { issuer = 'https://identity.caudal.local', algorithm = 'ES256' } = options
  let fetches = 0
  let broken = false
  let kid = 0
  let key = await newKey()

  async function newKey() {
    const { publicKey, privateKey } = await generateKeyPair(algorithm)
    const name = `key-${++kid}`
    const jwk = { ...(await exportJWK(publicKey)), kid: name, alg: algorithm, use: 'sig' }
    return { privateKey, kid: name, jwk }
  }

  const server = createServer((_request, response) => {
    fetches++
    response.writeHead(broken ? 500 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: [key.jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    issuer,
    url,
    jwksUrl: `${url}/jwks`,
    get fetches() {
      return fetches
    },
    sign(claims = {}, { expiresInSeconds = 300, header = {} } = {}) {
      const nowSeconds = Math.floor(Date.now() / 1_000)
      const payload = {
        iss: issuer,
        aud: 'caudal',
        sub: '0190b2a4-0000-7000-8000-000000000001',
        tenant_id: 'caudal',
        scope: [SCOPE.paymentsWrite, SCOPE.paymentsRead, SCOPE.walletRead].join(' '),
        iat: nowSeconds,
        exp: nowSeconds + expiresInSeconds,
        ...claims,
      }
      const protectedHeader = { alg: algorithm, kid: key.kid, typ: 'at+jwt', ...header }
      return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key.privateKey)
    },
    async rotate() {
      key = await newKey()
    },
    breakKeys(value) {
      broken = value
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
