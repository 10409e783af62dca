import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Config } from '../src/config.ts'
import { start } from '../src/main.ts'
import { orderMigrations } from '../src/migrations.ts'

const IDENTITY = 'https://identity.test'
const GATEWAY = 'https://gateway.test'

export interface TestOrders {
  url: string
  db: Db
  log: EventLog
  stop(): Promise<void>
  /** Starts the stopped service again, on the same databases. */
  startAgain(): Promise<void>
  serviceToken(scope: string): Promise<string>
  userToken(userId: string, claims?: { tenantId?: string; issuer?: 'identity' }): Promise<string>
  call(path: string, options?: CallOptions): Promise<{ status: number; body: Answer }>
}

export interface CallOptions {
  body?: unknown
  token?: string
}

export type Answer = Record<string, unknown> & { orders: OrderAnswer[]; data: OrderAnswer[] }
export type OrderAnswer = Record<string, string>

/** The order service on databases of its own, trusting an issuer that the test holds the key of. */
export async function startTestOrders(t: TestScope): Promise<TestOrders> {
  const [own, logDatabase, issuer] = await Promise.all([
    testDatabase(t, { sets: orderMigrations, name: 'orders' }),
    testDatabase(t, { sets: [logMigrations], name: 'log' }),
    startIssuer(t),
  ])
  const logger = createLogger({ service: 'orders', level: 'silent' })
  const config: Config = {
    host: '127.0.0.1',
    port: 0,
    region: 'local',
    logLevel: 'silent',
    databaseUrl: own.url,
    logDatabaseUrl: logDatabase.url,
    identityIssuer: IDENTITY,
    audience: 'caudal',
    identityJwksUrl: issuer.jwksUrl,
    gatewayIssuer: GATEWAY,
    gatewayJwksUrl: issuer.jwksUrl,
  }
  let service = await start(config)
  t.after(() => service.stop())
  const log = await openEventLog({ serverUrl: own.url, url: logDatabase.url }, logger)
  t.after(() => log.close())
  const serviceToken = (scope: string): Promise<string> =>
    issuer.sign(IDENTITY, 'caudal', { sub: 'payments', client_id: 'payments', scope })
  const defaultToken = await serviceToken('orders:read orders:write tenants:any')
  return {
    get url() {
      return service.url
    },
    db: own.pool,
    log,
    stop: () => service.stop(),
    async startAgain() {
      service = await start(config)
    },
    serviceToken,
    userToken(userId, { tenantId = 'caudal', issuer: from } = {}) {
      const claims = { sub: userId, tenant_id: tenantId, scope: 'orders:read orders:write' }
      return from === 'identity'
        ? issuer.sign(IDENTITY, 'caudal', claims)
        : issuer.sign(GATEWAY, 'orders', claims)
    },
    async call(path, { body, token = defaultToken } = {}) {
      const response = await fetch(`${service.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Answer }
    },
  }
}

async function startIssuer(t: TestScope) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    jwksUrl: `http://127.0.0.1:${port}/jwks`,
    sign(iss: string, aud: string, claims: Record<string, string>): Promise<string> {
      return new SignJWT({ tenant_id: 'caudal', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'at+jwt' })
        .setIssuer(iss)
        .setAudience(aud)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey)
    },
  }
}
