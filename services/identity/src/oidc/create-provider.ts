import { randomBytes } from 'node:crypto'
import { expandScopes } from '@caudal/contracts/scopes.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import Provider, {
  type Adapter,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import {
  ALL_SCOPES,
  CLIENT_TOKEN_SECONDS,
  DEVELOPMENT_LOGIN,
  RESOURCE,
  USER_TOKEN_SECONDS,
} from '../domain/access-token.ts'
import type { Client } from '../domain/client.ts'
import type { SigningKey } from '../domain/signing-key.ts'
import { answerFaults, withKnownFaults } from './answer-faults.ts'
import { addDevelopmentLogin } from './development-login.ts'
import { observeProvider, type ProviderCounters } from './observe-provider.ts'
import { resourceServer } from './resource-server.ts'

export type ProviderDeps = {
  issuer: string
  keys: readonly SigningKey[]
  clients: readonly Client[]
  developmentLogin: boolean
  /** Trust `x-forwarded-*` when writing the addresses of the discovery document. */
  behindProxy: boolean
  createAdapter: (model: string) => Adapter
  isUser: (tenantId: string, userId: string) => Promise<boolean>
  logger: Logger
  counters: ProviderCounters
}

/**
 * The OAuth 2.0 and OpenID Connect server (P8). Access tokens are JWTs for the audience `caudal`
 * even if the request names no resource; issuer and keys are configuration and data, so they
 * survive restarts and moves.
 */
export function createProvider(deps: ProviderDeps): Provider {
  const provider = new Provider(deps.issuer, configurationOf(deps))
  provider.proxy = deps.behindProxy
  if (deps.developmentLogin) addDevelopmentLogin(provider, deps)
  answerFaults(provider)
  observeProvider(provider, deps)
  return provider
}

function configurationOf(deps: ProviderDeps): Configuration {
  const { keys, clients, createAdapter } = deps
  // A grant that is switched off does not exist, also for clients that are configured with it.
  const isOn = (grant: string): boolean => deps.developmentLogin || grant !== DEVELOPMENT_LOGIN
  return {
    adapter: (model: string) => withKnownFaults(createAdapter(model)),
    jwks: {
      keys: keys.map((key) => ({ ...key.privateJwk, kid: key.kid, alg: 'ES256', use: 'sig' })),
    },
    clients: clients.map((client) => ({
      client_id: client.clientId,
      client_secret: client.clientSecret,
      grant_types: client.grants.filter(isOn),
      redirect_uris: [],
      response_types: [],
      scope: [...expandScopes(client.scopes)].join(' '),
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      tenant_id: client.tenantId,
    })),
    extraClientMetadata: { properties: ['tenant_id'] },
    scopes: [...ALL_SCOPES],
    responseTypes: ['none'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    // No cookie is set: there is no login with a browser.
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clientBasedCORS: () => false,
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== RESOURCE) throw new errors.InvalidTarget()
          return resourceServer(keys, CLIENT_TOKEN_SECONDS)
        },
      },
    },
    ttl: { AccessToken: USER_TOKEN_SECONDS, ClientCredentials: CLIENT_TOKEN_SECONDS },
    extraTokenClaims: (ctx) => ({
      tenant_id: tenantOf(ctx),
      sub_type: ctx.oidc.account === undefined ? 'client' : 'user',
    }),
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    renderError(ctx, out) {
      ctx.body = out
    },
  }
}

/** A person's tenant is that of the login, a client's its own. */
function tenantOf(ctx: KoaContextWithOIDC): unknown {
  return ctx.oidc.account?.['tenantId'] ?? ctx.oidc.client?.['tenant_id']
}
