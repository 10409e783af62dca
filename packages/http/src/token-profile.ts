import { isUuid } from '@caudal/contracts/ids.ts'
import { expandScopes } from '@caudal/contracts/scopes.ts'
import { TENANT_PATTERN } from '@caudal/contracts/tenant.ts'
import type { JWTPayload } from 'jose'

/** The verified caller of a request. */
export interface Identity {
  kind: 'user' | 'service'
  /** A user's id, a UUID in lower case; a service's client id. */
  subject: string
  tenantId: string
  /** The scopes of the token with those that they include. */
  scopes: ReadonlySet<string>
  clientId?: string
  /** Who vouches for the caller: the identity service, or the gateway. */
  issuer: string
}

/** The header and the claims that a token is read by. */
export interface TokenParts {
  header: { typ?: unknown }
  payload: JWTPayload
}

const TYPE = /^(application\/)?at\+jwt$/i
const TENANT = new RegExp(TENANT_PATTERN)
const CLOCK_TOLERANCE_SECONDS = 5
const KINDS: Readonly<Record<string, Identity['kind']>> = { user: 'user', client: 'service' }

/**
 * The caller that a token names, if it is an access token by our profile (RFC 9068, ADR 0027):
 * `typ` `at+jwt`, issued in the past for a bounded time, with a tenant, and with a subject of a
 * kind that it states. `sub_type` is `user` or `client`; the tokens of 0.1.0 have none, and there a
 * user is a UUID and a client its own `client_id`. Undefined if it is not; whether it expired and
 * who signed it is for the caller to find out.
 */
export function identityByProfile(
  { header, payload }: TokenParts,
  about: { issuer: string; maxLifetimeSeconds: number; nowMs: number },
): Identity | undefined {
  const { sub, tenant_id: tenantId, scope, client_id: clientId } = payload
  if (typeof header.typ !== 'string' || !TYPE.test(header.typ)) return undefined
  if (!isTimely(payload, about)) return undefined
  if (typeof tenantId !== 'string' || !TENANT.test(tenantId)) return undefined
  if (typeof sub !== 'string') return undefined
  const kind = kindOf(payload, sub)
  if (kind === undefined) return undefined
  return {
    kind,
    subject: kind === 'user' ? sub.toLowerCase() : sub,
    tenantId,
    scopes: expandScopes(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []),
    issuer: about.issuer,
    ...(typeof clientId === 'string' && { clientId }),
  }
}

function isTimely(
  { iat, exp }: JWTPayload,
  { maxLifetimeSeconds, nowMs }: { maxLifetimeSeconds: number; nowMs: number },
): boolean {
  if (typeof iat !== 'number' || typeof exp !== 'number') return false
  return iat <= nowMs / 1_000 + CLOCK_TOLERANCE_SECONDS && exp - iat <= maxLifetimeSeconds
}

/** What the token states of its subject, if the subject is such a one. */
function kindOf(payload: JWTPayload, sub: string): Identity['kind'] | undefined {
  const { sub_type: stated, client_id: clientId } = payload
  const kind = isUuid(sub) ? 'user' : clientId === sub && sub !== '' ? 'service' : undefined
  if (stated === undefined) return kind
  return typeof stated === 'string' && KINDS[stated] === kind ? kind : undefined
}
