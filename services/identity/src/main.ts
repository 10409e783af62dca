import { type EventLogConfig, openEventLog } from '@caudal/event-log/open-event-log.ts'
import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import type { CheckResult } from '@caudal/http/health-routes.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import { type Relay, startRelay } from '@caudal/outbox/relay.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger, type Logger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from './config.ts'
import { createUsers } from './create-users.ts'
import { AUDIENCE } from './domain/access-token.ts'
import type { SigningKey } from './domain/signing-key.ts'
import { ensureSigningKeys } from './ensure-signing-keys.ts'
import { mountProvider } from './http/mount-provider.ts'
import { addTokenRoutes } from './http/token-routes.ts'
import { addUserRoutes } from './http/user-routes.ts'
import { identityMigrations } from './migrations.ts'
import { createProvider } from './oidc/create-provider.ts'
import { createUserTokenSigner } from './sign-user-tokens.ts'
import { findUserIds } from './store/find-user-ids.ts'
import { findUsers } from './store/find-users.ts'
import { createOidcAdapter, removeExpiredObjects } from './store/oidc-objects.ts'
import { removeDevices } from './store/remove-devices.ts'

const NAME = 'identity'
const SWEEP_MS = 60 * 60_000

/** Starts the identity service: keys, relay, HTTP; `stop` takes them down in reverse. */
export async function start(
  config: Config,
  logger: Logger = loggerOf(config),
): Promise<RunningService> {
  if (config.migrationUrl !== undefined) await migrateIdentity(config, config.migrationUrl)
  const metrics = createMetrics(NAME)
  const db = createPool({
    url: config.databaseUrl,
    applicationName: NAME,
    onError: (error) => logger.warn({ error }, 'a database connection broke'),
  })
  const keys = await ensureSigningKeys(db)
  const log = await openEventLog(logConfig(config), logger)
  const relay = startRelay({ url: config.databaseUrl, log, logger, metrics })
  const sweep = setInterval(() => void sweepObjects(db, logger), SWEEP_MS)
  const readiness = () => checkReadiness(db, relay)
  const app = createServer({ name: NAME, logger, metrics, readiness })
  const provider = createProvider({
    ...config,
    keys,
    createAdapter: (model) => createOidcAdapter(db, model),
    isUser: async (tenantId, userId) => (await findUserIds(db, tenantId, [userId])).size === 1,
    logger,
    metrics,
  })
  mountProvider(app, provider.callback())
  const own = { url: '' }
  addRoutes(app, { config, db, keys, relay, verifier: verifyOwnTokens(config, own) })
  const stop = async (): Promise<void> => {
    clearInterval(sweep)
    await closeServer(app)
    await relay.stop()
    await log.close()
    await db.end()
  }
  try {
    own.url = await listen(app, config)
    return { name: NAME, url: own.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type RouteDeps = {
  config: Config
  db: Db
  keys: readonly SigningKey[]
  relay: Relay
  verifier: TokenVerifier
}

function addRoutes(app: HttpServer, { config, db, keys, relay, verifier }: RouteDeps): void {
  const { issuer, region, developmentLogin } = config
  addUserRoutes(app, {
    verifier,
    async createUsers(users, traceparent) {
      const created = await createUsers({ db, region }, users, traceparent)
      relay.wake()
      return created
    },
    findUsers: (tenantId, userIds) => findUsers(db, tenantId, userIds),
    removeDevices: (tenantId, tokens) => removeDevices(db, tenantId, tokens),
  })
  if (!developmentLogin) return
  addTokenRoutes(app, { verifier, signUserTokens: createUserTokenSigner({ db, issuer, keys }) })
}

/**
 * The service verifies its own tokens as everybody else does, by its published keys; where they are
 * is known only when it listens.
 */
function verifyOwnTokens({ issuer }: Config, own: { url: string }): TokenVerifier {
  let verifier: TokenVerifier | undefined
  const get = (): TokenVerifier => {
    verifier ??= createTokenVerifier({
      issuers: [{ issuer, jwksUrl: `${own.url}/jwks`, audience: AUDIENCE }],
      algorithms: ['ES256'],
    })
    return verifier
  }
  return {
    verify: (token) => get().verify(token),
    cached: (token) => get().cached(token),
    checkKeys: () => get().checkKeys(),
  }
}

async function migrateIdentity({ database }: Config, adminUrl: string): Promise<void> {
  await migrate({ adminUrl, database, sets: identityMigrations })
}

function logConfig({ databaseUrl, logDatabaseUrl, migrationUrl }: Config): EventLogConfig {
  return {
    serverUrl: databaseUrl,
    url: logDatabaseUrl,
    ...(migrationUrl !== undefined && { migrationUrl }),
  }
}

async function sweepObjects(db: Db, logger: Logger): Promise<void> {
  try {
    await removeExpiredObjects(db)
  } catch (error) {
    logger.warn({ error }, 'expired objects could not be removed')
  }
}

async function checkReadiness(db: Db, relay: Relay): Promise<Record<string, CheckResult>> {
  const reachable = await db.query('SELECT 1').then(
    () => true,
    () => false,
  )
  return {
    database: { status: reachable ? 'ok' : 'fail' },
    relay: { status: relay.healthy() ? 'ok' : 'warn' },
  }
}

function loggerOf(config: Config): Logger {
  return createLogger({ service: NAME, level: config.logLevel, region: config.region })
}
