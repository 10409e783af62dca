import { randomBytes } from 'node:crypto'
import { importJWK, SignJWT } from 'jose'
import { clientTokenClaims } from '../domain/access-token.ts'
import type { Client } from '../domain/client.ts'
import { grantClientScopes } from '../domain/grant-client-scopes.ts'
import { type SigningKey, signingKeyAt } from '../domain/signing-key.ts'

export type ClientTokenSigner = (input: {
  /** Null takes the client's own, or `callerTenantId` where it has none by configuration. */
  tenantId: string | null
  callerTenantId: string
  clientId: string
  scope: string
}) => Promise<{ token: string; expiresAt: Date } | { refused: string }>

const JTI_BYTES = 16

/**
 * Makes the token of a service for development, without its secret (F14 is for production). If the
 * client cannot have a scope or the tenant, returns its name as `refused`.
 */
export function createClientTokenSigner(deps: {
  issuer: string
  keys: () => readonly SigningKey[]
  clients: readonly Client[]
}): ClientTokenSigner {
  const { issuer, keys, clients } = deps
  return async ({ tenantId, callerTenantId, clientId, scope }) => {
    const known = clients.find((client) => client.clientId === clientId)
    const scopes = grantClientScopes(scope, known)
    if ('refused' in scopes) return { refused: `the scope ${scopes.refused}` }
    const own = known?.tenantId ?? tenantId ?? callerTenantId
    if (tenantId !== null && tenantId !== own) return { refused: `the tenant ${tenantId}` }
    const now = Date.now()
    const { kid, privateJwk } = signingKeyAt(keys(), now)
    const jti = randomBytes(JTI_BYTES).toString('base64url')
    const claims = clientTokenClaims(
      { tenantId: own, clientId, scope: scopes.granted },
      { issuer, jti, now },
    )
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .sign(await importJWK(privateJwk, 'ES256'))
    return { token, expiresAt: new Date(claims.exp * 1_000) }
  }
}
