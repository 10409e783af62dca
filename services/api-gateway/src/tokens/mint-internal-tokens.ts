import { createBoundedCache } from '@caudal/batching/bounded-cache.ts'
import type { Scope } from '@caudal/contracts/scopes.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import { SignJWT } from 'jose'
import type { SigningKeys } from './signing-keys.ts'

/** Makes the gateway's token of a verified user for one service. */
export type InternalTokens = (user: Identity, audience: string) => Promise<string>

const LIFETIME_SECONDS = 60
// A token is not used in its last seconds: a request may wait in a queue on its way.
const RESERVE_SECONDS = 15
const MAX_CACHED = 50_000

/**
 * Mints the gateway's own ES256 tokens (P1): `aud` is the service, valid for a minute, signed once
 * per user, scopes and service and used again while 15 seconds of life are left.
 */
export function mintInternalTokens(options: {
  issuer: string
  keys: SigningKeys
  /** Those of the public interface; any other scope of a user's token stays outside. */
  scopes: readonly Scope[]
  now?: () => number
}): InternalTokens {
  const { issuer, keys, now = Date.now } = options
  const publicScopes = [...new Set(options.scopes)]
  // Promises are cached, so that a burst of one user signs once.
  const minted = createBoundedCache<{ token: Promise<string>; usableUntilMs: number }>(MAX_CACHED)
  return (user, audience) => {
    const scope = publicScopes.filter((one) => user.scopes.has(one)).join(' ')
    const key = `${audience}\n${user.tenantId}\n${user.subject}\n${scope}`
    const known = minted.get(key)
    if (known !== undefined && known.usableUntilMs > now()) return known.token
    const issuedAtSeconds = Math.floor(now() / 1_000)
    const token = new SignJWT({ tenant_id: user.tenantId, sub_type: 'user', scope })
      .setProtectedHeader({ alg: 'ES256', kid: keys.kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(user.subject)
      .setIssuedAt(issuedAtSeconds)
      .setExpirationTime(issuedAtSeconds + LIFETIME_SECONDS)
      .sign(keys.privateKey)
    const usableUntilMs = (issuedAtSeconds + LIFETIME_SECONDS - RESERVE_SECONDS) * 1_000
    minted.set(key, { token, usableUntilMs })
    token.catch(() => minted.delete(key))
    return token
  }
}
