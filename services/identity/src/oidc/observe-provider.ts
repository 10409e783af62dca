import type { EventEmitter } from 'node:events'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'

/** The counters of the token endpoint; providers come and go with their keys. */
export function createProviderCounters(metrics: Metrics) {
  const refused = 'Token requests refused.'
  return {
    issued: metrics.counter('tokens_issued_total', 'Access tokens issued.', ['kind']),
    refused: metrics.counter('token_requests_refused_total', refused, ['error']),
  }
}

export type ProviderCounters = ReturnType<typeof createProviderCounters>

/** Counts what the token endpoint issues and refuses, and logs what went wrong on our side. */
export function observeProvider(
  provider: Provider,
  { logger, counters }: { logger: Logger; counters: ProviderCounters },
): void {
  const { issued, refused } = counters
  const clientOf = (ctx: KoaContextWithOIDC) => ctx.oidc.client?.clientId
  provider.on('access_token.issued', () => issued.inc({ kind: 'user' }))
  provider.on('client_credentials.issued', () => issued.inc({ kind: 'client' }))
  provider.on('grant.error', (ctx, error) => {
    refused.inc({ error: error.error })
    const what = { client_id: clientOf(ctx), oauth_error: error.error }
    if (error.error === 'temporarily_unavailable') {
      logger.warn({ ...what, err: error.cause }, 'could not serve a token request for now')
    } else logger.info(what, 'a token request was refused')
  })
  provider.on('server_error', (ctx, error) => {
    refused.inc({ error: 'server_error' })
    logger.error({ client_id: clientOf(ctx), err: error }, 'a token request failed')
  })
  const koa: EventEmitter = provider
  koa.on('error', (error: unknown) => logger.warn({ err: error }, 'an answer was cut short'))
}
