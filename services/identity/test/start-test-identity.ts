import { scopesOf } from '@caudal/contracts/scopes.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { createRemoteJWKSet, type JWTVerifyResult, jwtVerify } from 'jose'
import type { Config } from '../src/config.ts'
import { DEVELOPMENT_LOGIN } from '../src/domain/access-token.ts'
import { start } from '../src/main.ts'
import { identityMigrations } from '../src/migrations.ts'

export const ISSUER = 'https://identity.test'
export const CLI = { id: 'caudal-cli', secret: 'secret-of-the-command-line' }
export const NOTIFIER = { id: 'notifications', secret: 'secret:+of/the%20notifier=' }

export type Form = Record<string, string>

export interface TestIdentity {
  url: string
  db: Db
  logUrl: string
  stop(): Promise<void>
  /** Starts the stopped service again, on the same databases and perhaps another port. */
  startAgain(overrides?: Partial<Config>): Promise<void>
  /** Asks the token endpoint, as `client` by HTTP basic authentication by default. */
  ask(form: Form, client?: { id: string; secret: string } | null): Promise<TokenAnswer>
  /** A client-credentials token of the command line. */
  token(scope: string): Promise<string>
  /** Verifies a token as every service does: by the published keys. */
  verify(token: string): Promise<JWTVerifyResult>
  call(path: string, options: { token?: string; body?: unknown }): Promise<Answer>
}

export interface TokenAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown> & { access_token: string }
}

export interface Answer {
  status: number
  body: Record<string, unknown> & { users: UserAnswer[]; tokens: Record<string, string>[] }
}

export interface UserAnswer {
  user_id: string
  tenant_id: string
  locale: string
  wallet_id: string
  accounts: { account_id: string; currency: string }[]
  devices: { device_id: string; platform: string; token: string }[]
}

/** The identity service on databases of its own, with development login on by default. */
export async function startTestIdentity(
  scope: TestScope,
  overrides: Partial<Config> = {},
): Promise<TestIdentity> {
  const [own, logDatabase] = await Promise.all([
    testDatabase(scope, { sets: identityMigrations, name: 'identity' }),
    testDatabase(scope, { sets: [logMigrations], name: 'log' }),
  ])
  const base: Config = {
    host: '127.0.0.1',
    port: 0,
    region: 'local',
    logLevel: 'silent',
    databaseUrl: own.url,
    logDatabaseUrl: logDatabase.url,
    issuer: ISSUER,
    clients: testClients(),
    developmentLogin: true,
    behindProxy: false,
    ...overrides,
  }
  let service = await start(base)
  scope.after(() => service.stop())

  const ask: TestIdentity['ask'] = async (form, client = CLI) => {
    const response = await fetch(`${service.url}/token`, {
      method: 'POST',
      headers: client === null ? {} : { authorization: basic(client) },
      body: new URLSearchParams(form),
    })
    const body = (await response.json()) as TokenAnswer['body']
    return { status: response.status, headers: response.headers, body }
  }
  return {
    get url() {
      return service.url
    },
    db: own.pool,
    logUrl: logDatabase.url,
    stop: () => service.stop(),
    async startAgain(changed = {}) {
      service = await start({ ...base, ...changed })
    },
    ask,
    async token(scopes) {
      const answer = await ask({ grant_type: 'client_credentials', scope: scopes })
      return answer.body.access_token
    },
    verify: (token) =>
      jwtVerify(token, createRemoteJWKSet(new URL(`${service.url}/jwks`)), {
        issuer: ISSUER,
        audience: 'caudal',
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'iat', 'sub', 'jti', 'tenant_id', 'scope', 'client_id'],
      }),
    async call(path, { token, body }) {
      const response = await fetch(`${service.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Answer['body'] }
    },
  }
}

export function loginForm(userId: string, extra: Form = {}): Form {
  return { grant_type: DEVELOPMENT_LOGIN, user_id: userId, tenant_id: 'caudal', ...extra }
}

function testClients(): Config['clients'] {
  return [
    {
      clientId: CLI.id,
      clientSecret: CLI.secret,
      scopes: scopesOf('client'),
      grants: ['client_credentials', DEVELOPMENT_LOGIN],
      tenantId: 'caudal',
    },
    {
      clientId: NOTIFIER.id,
      clientSecret: NOTIFIER.secret,
      scopes: ['users:read', 'users:write'],
      grants: ['client_credentials'],
      tenantId: 'caudal',
    },
  ]
}

/** RFC 6749, 2.3.1: both parts are form-encoded before they are joined. */
function basic({ id, secret }: { id: string; secret: string }): string {
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
