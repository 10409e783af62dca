import { createServer } from '@caudal/http/create-server.ts'
import { createTokenBuckets } from '@caudal/http/create-token-buckets.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { addRoutes } from './http/add-routes.ts'
import { passCallbacks } from './http/pass-callbacks.ts'
import { PUBLIC_ROUTES } from './http/public-routes.ts'
import { openSharedBuckets, type SharedBuckets } from './limits/open-shared-buckets.ts'
import { openPeers } from './open-peers.ts'
import { checkPeers } from './peers/check-peers.ts'
import { watchPeers } from './peers/watch-peers.ts'
import { mintInternalTokens } from './tokens/mint-internal-tokens.ts'
import { generatePrivateKey, signingKeysOf } from './tokens/signing-keys.ts'

const NAME = 'api-gateway'

/** Starts the gateway (P1): the only way in from outside. */
export async function start(config: Config, logger?: Logger): Promise<RunningService> {
  const { region, logLevel: level } = config
  const log = logger ?? createLogger({ service: NAME, level, region })
  const metrics = createMetrics(NAME, { prefix: config.metricsPrefix, logger: log })
  const limited = metrics.counter(
    'gateway_rate_limited_total',
    'Requests beyond the rate of their user.',
  )
  const { identityIssuer: issuer, identityJwksUrl: jwksUrl, audience } = config
  const { identityRevocationsUrl: revocationsUrl } = config
  const verifier = createTokenVerifier({
    issuers: [{ issuer, jwksUrl, audience, revocationsUrl }],
  })
  const { signingKeys } = config
  const keys = await signingKeysOf(signingKeys.length > 0 ? signingKeys : [generatePrivateKey()])
  const peers = openPeers(PUBLIC_ROUTES, config.peers)
  const peersReady = checkPeers(peers.values())
  const shared =
    config.redis &&
    openSharedBuckets({ ...config.redis, ...config.rateLimit, logger: log, metrics })
  const app = createServer({
    name: NAME,
    logger: log,
    metrics,
    bodyLimit: config.bodyLimitBytes,
    readiness: () => checkReadiness(verifier, shared, peersReady),
    edge: config.edge,
  })
  const watch = watchPeers({ logger: log, metrics })
  passCallbacks(app, {
    peers,
    callbackBuckets: createTokenBuckets(config.callbacks),
    bodyLimitBytes: config.callbacks.bodyLimitBytes,
    logger: log,
    watch,
  })
  addRoutes(app, PUBLIC_ROUTES, {
    verifier,
    buckets: createTokenBuckets(config.rateLimit),
    shared,
    countLimited: () => limited.inc(),
    keys,
    peers,
    tokens: mintInternalTokens({
      issuer: config.gatewayIssuer,
      keys,
      scopes: PUBLIC_ROUTES.map(({ scope }) => scope),
    }),
    logger: log,
    watch,
  })
  const url = await listen(app, config).catch(async (error: unknown) => {
    await shared?.close()
    throw error
  })
  log.info({ url }, 'the gateway is listening')
  return {
    name: NAME,
    url,
    async stop() {
      await closeServer(app)
      const closing = [...peers.values()].map((peer) => peer.close())
      await Promise.all([...closing, shared?.close()])
      log.info('the gateway has stopped')
    },
  }
}

/**
 * Without the keys the gateway refuses everyone. Without Redis it refuses no one, and without a
 * peer only the requests to it: both are warnings.
 */
async function checkReadiness(
  verifier: TokenVerifier,
  shared: SharedBuckets | undefined,
  peersReady: () => Promise<Record<string, CheckResult>>,
): Promise<Record<string, CheckResult>> {
  const [reachable, ofPeers] = await Promise.all([
    verifier.checkKeys().then(
      () => true,
      () => false,
    ),
    peersReady(),
  ])
  return {
    identity_keys: reachable
      ? { status: 'ok' }
      : { status: 'fail', detail: 'could not fetch signing keys from the identity service' },
    ...(shared && {
      shared_rate_limits: shared.shared()
        ? { status: 'ok' }
        : { status: 'warn', detail: 'Redis does not answer: each gateway counts alone' },
    }),
    ...ofPeers,
  }
}
