import { SCOPES, scopesOf } from '@caudal/contracts/scopes.ts'

/** Who the tokens are for: every Caudal service. */
export const AUDIENCE = 'caudal'

/**
 * The audience's name in a request (RFC 8707 wants a URI); the default, so a client need not send
 * it.
 */
export const RESOURCE = 'urn:caudal:api'

export const USER_TOKEN_SECONDS = 60 * 60
export const CLIENT_TOKEN_SECONDS = 10 * 60

/** The grant by which a development client gets a token of any user, without a password. */
export const DEVELOPMENT_LOGIN = 'urn:caudal:params:oauth:grant-type:development-login'

/** What a user may do through the gateway; nothing that a client's scope allows. */
export const USER_SCOPES: readonly string[] = scopesOf('user')

export const ALL_SCOPES: readonly string[] = Object.keys(SCOPES)

export type AccessTokenClaims = {
  jti: string
  sub: string
  /** What `sub` is, so that nobody has to guess (ADR 0027). */
  sub_type: 'user' | 'client'
  iat: number
  exp: number
  scope: string
  client_id: string
  iss: string
  aud: string
  tenant_id: string
}

/** The claims of a user's token, as the token endpoint writes them too; `now` in milliseconds. */
export function userTokenClaims(
  user: { tenantId: string; userId: string },
  about: { issuer: string; clientId: string; jti: string; now: number },
): AccessTokenClaims {
  const issuedAt = Math.floor(about.now / 1_000)
  return {
    jti: about.jti,
    sub: user.userId,
    sub_type: 'user',
    iat: issuedAt,
    exp: issuedAt + USER_TOKEN_SECONDS,
    scope: USER_SCOPES.join(' '),
    client_id: about.clientId,
    iss: about.issuer,
    aud: AUDIENCE,
    tenant_id: user.tenantId,
  }
}

/** The claims of a service's token, as the token endpoint writes them; `now` in milliseconds. */
export function clientTokenClaims(
  client: { tenantId: string; clientId: string; scope: string },
  about: { issuer: string; jti: string; now: number },
): AccessTokenClaims {
  const issuedAt = Math.floor(about.now / 1_000)
  return {
    jti: about.jti,
    sub: client.clientId,
    sub_type: 'client',
    iat: issuedAt,
    exp: issuedAt + CLIENT_TOKEN_SECONDS,
    scope: client.scope,
    client_id: client.clientId,
    iss: about.issuer,
    aud: AUDIENCE,
    tenant_id: client.tenantId,
  }
}

/**
 * The scopes of a user's token: all that users may have, or those of them that were asked for.
 * Returns the first one that users cannot have as `refused`.
 */
export function grantUserScopes(
  asked: string | undefined,
): { granted: string } | { refused: string } {
  const wanted = asked?.split(' ').filter(Boolean) ?? []
  const refused = wanted.find((scope) => !USER_SCOPES.includes(scope))
  if (refused !== undefined) return { refused }
  return { granted: (wanted.length === 0 ? [...USER_SCOPES] : [...new Set(wanted)]).join(' ') }
}
