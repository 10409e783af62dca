import { isUuid, newId } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { type default as Provider, errors, type TokenEndpointGrantContext } from 'oidc-provider'
import {
  DEVELOPMENT_LOGIN,
  grantUserScopes,
  RESOURCE,
  USER_TOKEN_SECONDS,
} from '../domain/access-token.ts'
import type { SigningKey } from '../domain/signing-key.ts'
import { throwUnavailable } from './answer-faults.ts'
import { resourceServer } from './resource-server.ts'

type LoginParams = { user_id?: string; tenant_id?: string; scope?: string; resource?: string }
type LoginContext = TokenEndpointGrantContext<LoginParams>

export type DevelopmentLoginDeps = {
  keys: readonly SigningKey[]
  isUser: (tenantId: string, userId: string) => Promise<boolean>
}

/**
 * The grant `urn:caudal:params:oauth:grant-type:development-login`: a client that is allowed to
 * names a user and gets that user's token, without a password. Only for development: the server
 * does not know the grant unless it is switched on.
 */
export function addDevelopmentLogin(provider: Provider, deps: DevelopmentLoginDeps): void {
  const login = async (ctx: LoginContext): Promise<void> => {
    const { tenantId, userId, scope } = readLogin(ctx)
    const isUser = await deps.isUser(tenantId, userId).catch(throwUnavailable)
    if (!isUser) throw invalidGrant('there is no such user')
    ctx.oidc.entity('Account', { accountId: userId, tenantId, claims: () => ({ sub: userId }) })
    const token = new provider.AccessToken({
      accountId: userId,
      client: ctx.oidc.client,
      grantId: newId(),
      gty: DEVELOPMENT_LOGIN,
      scope,
    })
    const server = resourceServer(deps.keys, USER_TOKEN_SECONDS)
    token.resourceServer = new provider.ResourceServer(RESOURCE, server)
    ctx.oidc.entity('AccessToken', token)
    ctx.body = {
      access_token: await token.save(),
      expires_in: token.expiration,
      token_type: token.tokenType,
      scope,
    }
  }
  provider.registerGrantType<LoginParams>(DEVELOPMENT_LOGIN, login, [
    'user_id',
    'tenant_id',
    'scope',
    'resource',
  ])
}

function readLogin(ctx: LoginContext): { tenantId: string; userId: string; scope: string } {
  const { user_id: userId, tenant_id: tenantId, scope, resource } = ctx.oidc.params
  if (resource !== undefined && resource !== RESOURCE) throw new errors.InvalidTarget()
  if (userId === undefined || tenantId === undefined) {
    throw new errors.InvalidRequest('user_id and tenant_id are required')
  }
  if (!mayActFor(ctx.oidc.client, tenantId)) throw invalidGrant('the client is of another tenant')
  const scopes = grantUserScopes(scope)
  if ('refused' in scopes) {
    throw new errors.InvalidScope('a user cannot have this scope', scopes.refused)
  }
  if (!isUuid(userId)) throw invalidGrant('user_id is not a UUID')
  return { tenantId, userId: userId.toLowerCase(), scope: scopes.granted }
}

/** A client names its own tenant, or any with the scope for that. */
function mayActFor(client: LoginContext['oidc']['client'], tenantId: string): boolean {
  if (client?.['tenant_id'] === tenantId) return true
  return client?.scope?.split(' ').includes(SCOPE.tenantsAny) === true
}

function invalidGrant(description: string): errors.InvalidGrant {
  return Object.assign(new errors.InvalidGrant(), { error_description: description })
}
