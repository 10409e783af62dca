import { createBoundedCache } from '@caudal/batching/bounded-cache.ts'
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
} from 'jose'
import { fetchDirectly } from './direct-dispatcher.ts'
import { Problem } from './problem.ts'
import { followRevocations, type Revocations } from './revocations.ts'
import { type Identity, identityByProfile, type TokenParts } from './token-profile.ts'

export type { Identity } from './token-profile.ts'

export interface TrustedIssuer {
  issuer: string
  jwksUrl: string
  audience: string
  /** The callers that this issuer is trusted for; both by default. */
  kinds?: readonly Identity['kind'][]
  /** The longest that its tokens may live; default: an hour. */
  maxLifetimeSeconds?: number
  /** Where it publishes withdrawn subjects; without it, tokens live until they expire. */
  revocationsUrl?: string | undefined
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
const MAX_LIFETIME_SECONDS = 60 * 60
const JWKS_TIMEOUT_MS = 3_000
// A peer that restarts with a new key must be known within a second; a flood of made-up key ids
// causes no more than one fetch in that time.
const JWKS_COOLDOWN_MS = 1_000
const JWKS_MAX_AGE_MS = 10 * 60_000

type Keys = ReturnType<typeof createRemoteJWKSet>
type Trusted = TrustedIssuer & { keys: Keys; revocations: Revocations | undefined }

interface Verified {
  identity: Identity
  issuedAtSeconds: number
  expiresAtMs: number
  revocations: Revocations | undefined
  /** Of the revocations that it was compared with. */
  version: number
  keysVersion: number
}

/**
 * Verifies JWTs of the given issuers against their published keys (P1): allow-listed asymmetric
 * algorithms and the profile of access tokens (`token-profile.ts`), which is compared before the
 * signature. Verified tokens are remembered until they expire or their subject is withdrawn, five
 * minutes at most; `now` is the clock in milliseconds.
 */
export function createTokenVerifier(options: {
  issuers: readonly TrustedIssuer[]
  algorithms?: readonly string[]
  now?: () => number
}): TokenVerifier {
  const { algorithms = ALGORITHMS, now = Date.now } = options
  const trusted = new Map(options.issuers.map((issuer) => [issuer.issuer, trust(issuer, now)]))
  const verified = createBoundedCache<Verified>(MAX_CACHED)
  const underWay = new Map<string, Promise<Identity>>()

  async function verifyNow(token: string): Promise<Identity> {
    const parts = partsOf(token)
    const issuer = trusted.get(parts?.payload.iss ?? '')
    if (parts === undefined || issuer === undefined) throw invalidToken()
    const identity = identityOf(parts, issuer, now())
    const { iat = 0, exp = 0 } = parts.payload
    await verifySignature(token, issuer, [...algorithms], now())
    const { revocations } = issuer
    if (revocations?.isStale() === true) await revocations.refresh()
    if (revocations?.isRevoked(identity, iat) === true) throw invalidToken()
    verified.set(token, {
      identity,
      issuedAtSeconds: iat,
      expiresAtMs: Math.min(exp * 1_000, now() + MAX_CACHED_MS),
      revocations,
      version: revocations?.version ?? 0,
      keysVersion: revocations?.keysVersion ?? 0,
    })
    return identity
  }

  function cached(token: string): Identity | undefined {
    const entry = verified.get(token)
    if (entry === undefined) return undefined
    if (entry.expiresAtMs > now() && isStillGood(entry)) return entry.identity
    // A list that is out of date does not end the token; it has to be asked for once.
    if (entry.revocations?.isStale() !== true) verified.delete(token)
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

function isStillGood(entry: Verified): boolean {
  const { revocations, identity, issuedAtSeconds } = entry
  if (revocations === undefined) return true
  if (revocations.isStale() || entry.keysVersion !== revocations.keysVersion) return false
  if (entry.version === revocations.version) return true
  entry.version = revocations.version
  return !revocations.isRevoked(identity, issuedAtSeconds)
}

function trust(issuer: TrustedIssuer, now: () => number): Trusted {
  const { revocationsUrl: url } = issuer
  const keys = remoteKeys(issuer)
  const onKeysChanged = (): Promise<void> => keys.reload()
  const revocations = url === undefined ? undefined : followRevocations(url, { now, onKeysChanged })
  return { ...issuer, keys, revocations }
}

function partsOf(token: string): TokenParts | undefined {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) }
  } catch {
    return undefined
  }
}

/** @throws {Problem} for a token that is not one of the profile, or of a kind not trusted here */
function identityOf(parts: TokenParts, trusted: Trusted, nowMs: number): Identity {
  const { issuer, kinds, maxLifetimeSeconds = MAX_LIFETIME_SECONDS } = trusted
  const identity = identityByProfile(parts, { issuer, maxLifetimeSeconds, nowMs })
  if (identity === undefined || kinds?.includes(identity.kind) === false) throw invalidToken()
  return identity
}

function remoteKeys({ jwksUrl }: TrustedIssuer): Keys {
  return createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
    [customFetch]: fetchDirectly,
  })
}

async function freshKeys(keys: Keys): Promise<void> {
  if (!keys.fresh) await keys.reload()
}

async function verifySignature(
  token: string,
  issuer: Trusted,
  algorithms: string[],
  nowMs: number,
): Promise<void> {
  try {
    await jwtVerify(token, issuer.keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(nowMs),
    })
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

/** The refusal of a token that is not valid, or that expired if the cause says so. */
export function invalidToken(cause?: unknown): Problem {
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
