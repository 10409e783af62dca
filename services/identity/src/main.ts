import { createServer, type HttpServer } from '@caudal/http/create-server.ts'
import { closeServer, listen, type RunningService } from '@caudal/http/running-service.ts'
import { createTokenVerifier, type TokenVerifier } from '@caudal/http/token-verifier.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import { checkParts } from '@caudal/service/check-parts.ts'
import { openDatabase } from '@caudal/service/open-database.ts'
import { openLog, openRelay } from '@caudal/service/open-log.ts'
import { startService } from '@caudal/service/start-service.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Config } from './config.ts'
import { AUDIENCE } from './domain/access-token.ts'
import type { SigningKey } from './domain/signing-key.ts'
import { ensureSigningKeys } from './keys/ensure-signing-keys.ts'
import { followSigningKeys } from './keys/follow-signing-keys.ts'
import { addRevocationRoute } from './keys/revocation-route.ts'
import { identityMigrations } from './migrations.ts'
import { createProvider } from './oidc/create-provider.ts'
import { limitGuesses } from './oidc/limit-guesses.ts'
import { mountProvider, type NodeHandler } from './oidc/mount-provider.ts'
import { createProviderCounters } from './oidc/observe-provider.ts'
import { deleteDevices } from './store/delete-devices.ts'
import { deleteUser } from './store/delete-user.ts'
import { findTokenHolders } from './store/find-token-holders.ts'
import { findUsers } from './store/find-users.ts'
import { createOidcAdapter, removeExpiredObjects } from './store/oidc-objects.ts'
import {
  forgetRevokedSubjects,
  listRevokedSubjects,
  revokeMissingClients,
} from './store/revoked-subjects.ts'
import { createClientTokenSigner } from './tokens/sign-client-token.ts'
import { createUserTokenSigner } from './tokens/sign-user-tokens.ts'
import { addTokenRoutes } from './tokens/token-routes.ts'
import { createUserCreation, type UserCreation } from './users/create-users.ts'
import { addUserRoutes } from './users/user-routes.ts'

const NAME = 'identity'
const SWEEP_MS = 60 * 60_000

/** Starts the identity service: database, keys, relay, HTTP. */
export function start(config: Config): Promise<RunningService> {
  return startService(NAME, config, async (parts) => {
    const { logger, metrics, started } = parts
    const db = await openDatabase(NAME, config, { sets: identityMigrations }, parts)
    const firstKeys = await ensureSigningKeys(db)
    await revokeMissingClients(db, config.clients)
    const log = await openLog(config, parts)
    const relay = await openRelay({ name: NAME, db, log }, config, parts)
    const sweeper = sweepObjects(db, logger)
    started(() => sweeper.stop())

    const own = { url: '' }
    const verifier = verifyOwnTokens(config, own)
    const counters = createProviderCounters(metrics)
    const readiness = () => checkParts({ db, verifier, relay })
    const app = createServer({ name: NAME, logger, metrics, readiness, edge: config.edge })
    const { publicUrl, behindProxy } = config
    const provide = (signingKeys: readonly SigningKey[]): NodeHandler =>
      createProvider({
        ...config,
        behindProxy: behindProxy || publicUrl !== undefined,
        keys: signingKeys,
        createAdapter: (model) => createOidcAdapter(db, model),
        isUser: async (tenantId, userId) =>
          (await findTokenHolders(db, tenantId, [userId])).size === 1,
        logger,
        counters,
      }).callback()
    let handle = provide(firstKeys)
    const onChange = (changed: readonly SigningKey[]): void => void (handle = provide(changed))
    const followed = followSigningKeys({ db, keys: firstKeys, logger, onChange })
    started(() => followed.stop())
    const keys = (): readonly SigningKey[] => followed.current()
    mountProvider(
      app,
      (request, response) => handle(request, response),
      limitGuesses(config),
      publicUrl,
    )
    addRevocationRoute(app, { listRevoked: () => listRevokedSubjects(db), keys })
    const creation = createUserCreation({
      db,
      region: config.region,
      afterCommit: () => relay.wake(),
    })
    started(() => creation.drain())
    addRoutes(app, { config, db, keys, creation, verifier })
    started(() => closeServer(app))
    own.url = await listen(app, config)
    return own.url
  })
}

type RouteDeps = {
  config: Config
  db: Db
  keys: () => readonly SigningKey[]
  creation: UserCreation
  verifier: TokenVerifier
}

function addRoutes(app: HttpServer, { config, db, keys, creation, verifier }: RouteDeps): void {
  const { issuer, developmentLogin, clients } = config
  addUserRoutes(app, {
    verifier,
    createUsers: (work) => creation.create(work),
    findUsers: (keys) => findUsers(db, keys),
    removeDevices: (tenantId, tokens) => deleteDevices(db, tenantId, tokens),
    deleteUser: (tenantId, userId) => deleteUser(db, tenantId, userId),
  })
  if (!developmentLogin) return
  addTokenRoutes(app, {
    verifier,
    signUserTokens: createUserTokenSigner({ db, issuer, keys }),
    signClientToken: createClientTokenSigner({ issuer, keys, clients }),
  })
}

/**
 * The service verifies its own tokens as everybody else does, by its published keys; where they are
 * is known only when it listens.
 */
function verifyOwnTokens({ issuer }: Config, own: { url: string }): TokenVerifier {
  let verifier: TokenVerifier | undefined
  const get = (): TokenVerifier => {
    verifier ??= createTokenVerifier({
      issuers: [
        {
          issuer,
          jwksUrl: `${own.url}/jwks`,
          audience: AUDIENCE,
          revocationsUrl: `${own.url}/revocations`,
        },
      ],
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

/** Removes expired codes, grants and sessions at once and every hour. */
function sweepObjects(db: Db, logger: Logger): PeriodicWork {
  return runPeriodically({
    pauseMs: SWEEP_MS,
    work: async () => {
      await removeExpiredObjects(db)
      await forgetRevokedSubjects(db)
    },
    onFault: (err) => logger.warn({ err }, 'could not remove expired objects'),
  })
}
