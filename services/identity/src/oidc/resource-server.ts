import { ALL_SCOPES, AUDIENCE } from '../domain/access-token.ts'
import { type SigningKey, signingKeyAt } from '../domain/signing-key.ts'

/** What every access token is made for; the key is chosen anew each time (rotation). */
export function resourceServer(keys: readonly SigningKey[], lifetimeSeconds: number) {
  return {
    scope: ALL_SCOPES.join(' '),
    audience: AUDIENCE,
    accessTokenTTL: lifetimeSeconds,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'ES256' as const, kid: signingKeyAt(keys, Date.now()).kid } },
  }
}
