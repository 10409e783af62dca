import { createBoundedCache } from '@caudal/batching/bounded-cache.ts'
import type { Scope } from '@caudal/contracts/scopes.ts'
import type { Identity } from '@caudal/http/token-verifier.ts'
import { SignJWT } from 'jose'
import type { SigningKeys } from './signing-keys.ts'

/** Makes the gateway's token of a verified caller for one service. */
export type InternalTokens = (caller: Identity, audience: string) => Promise<string>

const LIFETIME_SECONDS = 60
// A token is not used in its last seconds: a request may wait in a queue on its way.
const RESERVE_SECONDS = 15
const MAX_CACHED = 50_000

/** The claims that state what the subject is (ADR 0027). */
const OF_KIND = {
  user: () => ({ sub_type: 'user' }),
  service: (subject: string) => ({ sub_type: 'client', client_id: subject }),
} as const

/**
 * Mints the gateway's own ES256 tokens (P1): `aud` is the service, valid for a minute, signed once
 * per caller, scopes and service and used again while 15 seconds of life are left.
 */
export function mintInternalTokens(options: {
  issuer: string
  keys: SigningKeys
  /** Those of the public interface; any other scope of a token stays outside. */
  scopes: readonly Scope[]
  now?: () => number
}): InternalTokens {
  const { issuer, keys, now = Date.now } = options
  const publicScopes = [...new Set(options.scopes)]
  // Promises are cached, so that a burst of one caller signs once.
  const minted = createBoundedCache<{ token: Promise<string>; usableUntilMs: number }>(MAX_CACHED)
  return (caller, audience) => {
    const { kind, subject, tenantId } = caller
    const scope = publicScopes.filter((one) => caller.scopes.has(one)).join(' ')
    // The subject of a user is a UUID and that of a client is not.
    const key = `${audience}\n${tenantId}\n${subject}\n${scope}`
    const known = minted.get(key)
    if (known !== undefined && known.usableUntilMs > now()) return known.token
    const issuedAtSeconds = Math.floor(now() / 1_000)
    const token = new SignJWT({ tenant_id: tenantId, scope, ...OF_KIND[kind](subject) })
      .setProtectedHeader({ alg: 'ES256', kid: keys.kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(issuedAtSeconds)
      .setExpirationTime(issuedAtSeconds + LIFETIME_SECONDS)
      .sign(keys.privateKey)
    const usableUntilMs = (issuedAtSeconds + LIFETIME_SECONDS - RESERVE_SECONDS) * 1_000
    minted.set(key, { token, usableUntilMs })
    token.catch(() => minted.delete(key))
    return token
  }
}
