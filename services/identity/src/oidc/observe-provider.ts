import type { EventEmitter } from 'node:events'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'

/** Counts what the token endpoint issues and refuses, and logs what went wrong on our side. */
export function observeProvider(
  provider: Provider,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): void {
  const issued = metrics.counter('tokens_issued_total', 'Access tokens issued.', ['kind'])
  const refused = metrics.counter('token_requests_refused_total', 'Token requests refused.', [
    'error',
  ])
  const clientOf = (ctx: KoaContextWithOIDC) => ctx.oidc.client?.clientId
  provider.on('access_token.issued', () => issued.inc({ kind: 'user' }))
  provider.on('client_credentials.issued', () => issued.inc({ kind: 'client' }))
  provider.on('grant.error', (ctx, error) => {
    refused.inc({ error: error.error })
    logger.info(
      { client_id: clientOf(ctx), oauth_error: error.error },
      'a token request was refused',
    )
  })
  provider.on('server_error', (ctx, error) => {
    refused.inc({ error: 'server_error' })
    logger.error({ client_id: clientOf(ctx), err: error }, 'a token request failed')
  })
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => logger.warn({ err: error }, 'an answer was cut short'))
}
