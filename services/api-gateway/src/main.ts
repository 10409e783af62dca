import { createServer } from '@caudal/http/create-server.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { createPeer } from './create-peer.ts'
import { createTokenBuckets } from './create-token-buckets.ts'
import { mintInternalTokens } from './mint-internal-tokens.ts'
import { openSharedBuckets, type SharedBuckets } from './open-shared-buckets.ts'
import { addRoutes } from './routes.ts'
import { generatePrivateKey, signingKeysOf } from './signing-keys.ts'

const NAME = 'api-gateway'

/** Starts the gateway (P1): the only way in from outside. */
export async function start(config: Config, logger?: Logger): Promise<RunningService> {
  const { region, logLevel: level } = config
  const log = logger ?? createLogger({ service: NAME, level, region })
  const metrics = createMetrics(NAME)
  const limited = metrics.counter('gateway_rate_limited_total', 'Requests beyond a user’s rate.')
  const faults = metrics.counter(
    'gateway_peer_faults_total',
    'Requests that a service behind the gateway did not answer.',
    ['peer', 'code'],
  )
  const { identityIssuer: issuer, identityJwksUrl: jwksUrl, audience } = config
  const verifier = createTokenVerifier({
    issuers: [{ issuer, jwksUrl, audience, kinds: ['user'] }],
  })
  const { signingKeys } = config
  const keys = await signingKeysOf(signingKeys.length > 0 ? signingKeys : [generatePrivateKey()])
  const payments = createPeer({
    name: 'payments',
    url: config.paymentsUrl,
    ...config.peer,
    joined: { path: '/v1/payments', to: '/internal/payment-requests' },
  })
  const wallets = createPeer({ name: 'wallets', url: config.walletsUrl, ...config.peer })
  const shared =
    config.redis &&
    openSharedBuckets({ ...config.redis, ...config.rateLimit, logger: log, metrics })
  const app = createServer({
    name: NAME,
    logger: log,
    metrics,
    bodyLimit: config.bodyLimitBytes,
    readiness: () => checkReadiness(verifier, shared),
  })
  addRoutes(app, {
    verifier,
    buckets: createTokenBuckets(config.rateLimit),
    shared,
    countLimited: () => limited.inc(),
    keys,
    payments,
    wallets,
    tokens: mintInternalTokens({ issuer: config.gatewayIssuer, keys }),
    logger: log,
    countFault: (peer, code) => faults.inc({ peer, code }),
  })
  const url = await listen(app, config).catch(async (error: unknown) => {
    await shared?.close()
    throw error
  })
  log.info({ url }, 'the gateway listens')
  return {
    name: NAME,
    url,
    async stop() {
      await closeServer(app)
      await Promise.all([payments.close(), wallets.close(), shared?.close()])
      log.info('the gateway has stopped')
    },
  }
}

/** Without the keys nobody gets in; without Redis everybody does, so that is a warning. */
async function checkReadiness(
  verifier: TokenVerifier,
  shared: SharedBuckets | undefined,
): Promise<Record<string, CheckResult>> {
  const reachable = await verifier.checkKeys().then(
    () => true,
    () => false,
  )
  return {
    identity_keys: reachable
      ? { status: 'ok' }
      : { status: 'fail', detail: 'the keys of the identity service cannot be fetched' },
    ...(shared && {
      shared_rate_limits: shared.shared()
        ? { status: 'ok' }
        : { status: 'warn', detail: 'Redis does not answer: each gateway counts for itself' },
    }),
  }
}
