import { expandScopes } from '@caudal/contracts/scopes.ts'
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { createBoundedCache } from './bounded-cache.ts'
import { Problem } from './problem.ts'

/** The verified caller of a request. */
export interface Identity {
  kind: 'user' | 'service'
  /** The user's id, or the client's for a service. */
  subject: string
  tenantId: string
  /** The scopes of the token with those that they include. */
  scopes: ReadonlySet<string>
  clientId?: string
  /** Who vouches for the caller: the identity service, or the gateway. */
  issuer: string
}

export interface TrustedIssuer {
  issuer: string
  jwksUrl: string
  audience: string
  /** The callers that this issuer is trusted for; both by default. */
  kinds?: readonly Identity['kind'][]
}

export interface TokenVerifier {
  /** Throws Problem: UNAUTHENTICATED, or UNAVAILABLE when the issuer's keys cannot be had. */
  verify(token: string): Promise<Identity>
  /** The answer if this very token was verified before and still holds; costs a map lookup. */
  cached(token: string): Identity | undefined
  /** Fetches the keys of every issuer; throws when one cannot be had. For readiness. */
  checkKeys(): Promise<void>
}

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'PS256']
const MAX_TOKEN_LENGTH = 8 * 1024
const MAX_CACHED = 20_000
// A token is verified again this often at least, so that a withdrawn key ends its tokens soon.
const MAX_CACHED_MS = 5 * 60_000
const CLOCK_TOLERANCE_SECONDS = 5
const JWKS_TIMEOUT_MS = 3_000
// A peer that restarts with a new key must be known within a second; a flood of made-up key ids
// causes no more than one fetch in that time.
const JWKS_COOLDOWN_MS = 1_000
const JWKS_MAX_AGE_MS = 10 * 60_000

type Keys = ReturnType<typeof createRemoteJWKSet>

/**
 * Verifies JWTs of the given issuers against their published keys (P1): allow-listed asymmetric
 * algorithms; `iss`, `aud`, `exp`, `sub` and `tenant_id` required. Verified tokens are remembered
 * until they expire, five minutes at most; `now` is the clock in milliseconds.
 */
export function createTokenVerifier(options: {
  issuers: readonly TrustedIssuer[]
  algorithms?: readonly string[]
  now?: () => number
}): TokenVerifier {
  const { algorithms = ALGORITHMS, now = Date.now } = options
  const trusted = new Map(
    options.issuers.map((issuer) => [issuer.issuer, { ...issuer, keys: remoteKeys(issuer) }]),
  )
  const verified = createBoundedCache<{ identity: Identity; expiresAtMs: number }>(MAX_CACHED)
  const underWay = new Map<string, Promise<Identity>>()

  async function verifyNow(token: string): Promise<Identity> {
    const issuer = trusted.get(claimedIssuer(token))
    if (issuer === undefined) throw invalidToken()
    const payload = await verifySignature(token, issuer, [...algorithms], now())
    const identity = identityOf(payload, issuer.issuer)
    if (identity === undefined || issuer.kinds?.includes(identity.kind) === false) {
      throw invalidToken()
    }
    const expiresAtMs = Math.min((payload.exp ?? 0) * 1_000, now() + MAX_CACHED_MS)
    verified.set(token, { identity, expiresAtMs })
    return identity
  }

  function cached(token: string): Identity | undefined {
    const entry = verified.get(token)
    if (entry === undefined) return undefined
    if (entry.expiresAtMs > now()) return entry.identity
    verified.delete(token)
    return undefined
  }

  return {
    cached,
    verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) return Promise.reject(invalidToken())
      const known = cached(token)
      if (known !== undefined) return Promise.resolve(known)
      // A burst of requests with a fresh token verifies it once.
      let pending = underWay.get(token)
      if (pending === undefined) {
        pending = verifyNow(token).finally(() => underWay.delete(token))
        underWay.set(token, pending)
      }
      return pending
    },
    async checkKeys() {
      await Promise.all([...trusted.values()].map(({ keys }) => freshKeys(keys)))
    },
  }
}

function remoteKeys({ jwksUrl }: TrustedIssuer): Keys {
  return createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  })
}

async function freshKeys(keys: Keys): Promise<void> {
  if (!keys.fresh) await keys.reload()
}

function claimedIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return ''
  }
}

async function verifySignature(
  token: string,
  issuer: TrustedIssuer & { keys: Keys },
  algorithms: string[],
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, issuer.keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    })
    return payload
  } catch (error) {
    if (isAboutToken(error)) throw invalidToken(error)
    throw keysUnavailable(error)
  }
}

// Whatever else goes wrong is the issuer's key set: unreachable, too slow or not a key set.
function isAboutToken(error: unknown): error is Error {
  return (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  )
}

function identityOf(payload: JWTPayload, issuer: string): Identity | undefined {
  const { sub, tenant_id: tenantId, scope, client_id: clientId } = payload
  if (typeof sub !== 'string' || sub === '') return undefined
  if (typeof tenantId !== 'string' || tenantId === '') return undefined
  const scopes = expandScopes(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [])
  // In a client-credentials token the client is its own subject.
  const kind = clientId === sub ? 'service' : 'user'
  const client = typeof clientId === 'string' ? { clientId } : {}
  return { kind, subject: sub, tenantId, scopes, issuer, ...client }
}

function invalidToken(cause?: unknown): Problem {
  const expired = cause instanceof errors.JWTExpired
  return new Problem(
    'UNAUTHENTICATED',
    expired ? 'the token has expired' : 'the token is not valid',
    {
      headers: { 'www-authenticate': 'Bearer realm="caudal", error="invalid_token"' },
    },
  )
}

function keysUnavailable(cause: unknown): Problem {
  const problem = new Problem('UNAVAILABLE', 'tokens cannot be verified now')
  problem.cause = cause
  return problem
}
