import { SCOPE } from '@caudal/contracts/scopes.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { tenantFor } from '@caudal/http/tenant-for.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { createClientTokenSchema, createTokensSchema } from './token-schemas.ts'

export interface TokenRoutesDeps {
  verifier: TokenVerifier
  /** Ids that are no users are left out. */
  signUserTokens(input: {
    tenantId: string
    userIds: string[]
    clientId: string
  }): Promise<{ userId: string; token: string; expiresAt: Date }[]>
  /** Describes the scope that the client cannot have. */
  signClientToken(input: {
    tenantId: string | null
    callerTenantId: string
    clientId: string
    scope: string
  }): Promise<{ token: string; expiresAt: Date } | { refused: string }>
}

const BODY_LIMIT_BYTES = 128 * 1024

/** Development login by the thousand, for seeding and load; added only while it is switched on. */
export function addTokenRoutes(app: HttpServer, deps: TokenRoutesDeps): void {
  const { verifier } = deps
  const access = { verifier, scope: SCOPE.usersImpersonate }
  app.post(
    '/v1/tokens',
    { ...secured(access, createTokensSchema), bodyLimit: BODY_LIMIT_BYTES },
    async (request, reply) => {
      const identity = identityOf(request)
      const ids = request.body.users.map((user) => user.user_id.toLowerCase())
      const signed = await deps.signUserTokens({
        tenantId: tenantFor(identity, request.body.tenant_id),
        userIds: [...new Set(ids)],
        clientId: identity.subject,
      })
      const tokens = signed.map(({ userId, token, expiresAt }) => ({
        user_id: userId,
        token,
        expires_at: expiresAt.toISOString(),
      }))
      return reply.send({ tokens })
    },
  )
  app.post('/v1/client-tokens', secured(access, createClientTokenSchema), async (request) => {
    const identity = identityOf(request)
    const { tenantId: callerTenantId } = identity
    const { client_id: clientId, scope, tenant_id: tenantId = null } = request.body
    if (tenantId !== null) tenantFor(identity, tenantId)
    const made = await deps.signClientToken({ tenantId, callerTenantId, clientId, scope })
    if ('refused' in made) throw new Problem('FORBIDDEN', `the client cannot have ${made.refused}`)
    return { token: made.token, expires_at: made.expiresAt.toISOString() }
  })
}
