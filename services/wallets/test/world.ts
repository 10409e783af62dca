import assert from 'node:assert/strict'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { Topic } from '@caudal/contracts/topics.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { PROBLEM_CONTENT_TYPE } from '@caudal/http/problem.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { startTestIssuer } from '@caudal/http/start-test-issuer.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { request } from 'undici'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { assertDescribed, type OpenApi } from './described-problems.ts'
import { ledgerDatabase } from './ledger-fixture.ts'
import { TENANT } from './test-wallet.ts'

/** An answer as it came, to the byte. */
export interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json: Record<string, unknown>
}

export interface World {
  service: RunningService
  db: Db
  log: EventLog
  /** Appends events to a topic, as their publisher's relay does. */
  publish(topic: Topic, ...events: readonly CaudalEvent[]): Promise<void>
  /** As the gateway vouches for a user. */
  userToken(userId: string): Promise<string>
  /** A token of identity that an internal client got for itself. */
  clientToken(scope?: string, clientId?: string, tenantId?: string): Promise<string>
  restart(): Promise<void>
  /** As a superuser: what no service could do. */
  asAdmin(sql: string, values?: unknown[]): Promise<void>
}

/** A running wallet service with its database, a log and the issuers it trusts. */
export async function startWorld(scope: TestScope, env: NodeJS.ProcessEnv = {}): Promise<World> {
  const gateway = await startTestIssuer({ issuer: 'https://gateway.caudal.local' })
  const identity = await startTestIssuer()
  const { pool: db, url, adminUrl } = await ledgerDatabase(scope)
  const logDatabase = await testDatabase(scope, { sets: [logMigrations], name: 'log' })
  const logger = createLogger({ service: 'test', level: 'silent' })
  const log = await openEventLog({ serverUrl: logDatabase.url, url: logDatabase.url }, logger)
  const config = readConfig({
    CAUDAL_WALLETS_DATABASE_URL: url,
    CAUDAL_LOG_DATABASE_URL: logDatabase.url,
    CAUDAL_WALLETS_PORT: '0',
    CAUDAL_LOG_LEVEL: 'silent',
    CAUDAL_API_GATEWAY_URL: gateway.url,
    CAUDAL_IDENTITY_URL: identity.url,
    ...env,
  })
  const world: World = {
    service: await start(config),
    db,
    log,
    publish: (topic, ...events) =>
      log.append(
        events.map((event) => {
          return { topic, key: event.account_id, value: JSON.stringify(event), headers: {} }
        }),
      ),
    userToken: (sub) =>
      gateway.sign({ sub, tenant_id: TENANT, aud: 'wallets', scope: 'wallet:read' }),
    clientToken: (scopes = 'ledger:write', clientId = 'tester', tenantId = TENANT) =>
      identity.sign({ sub: clientId, client_id: clientId, tenant_id: tenantId, scope: scopes }),
    async asAdmin(sql, values) {
      const admin = new pg.Client({ connectionString: adminUrl })
      await admin.connect()
      try {
        await admin.query(sql, values)
      } finally {
        await admin.end()
      }
    },
    async restart() {
      await world.service.stop()
      world.service = await start(config)
    },
  }
  scope.after(async () => {
    await world.service.stop()
    await log.close()
    await Promise.all([gateway.stop(), identity.stop()])
  })
  return world
}

export interface Call {
  token?: string
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Record<string, string>
  /** Text is sent as it is, anything else as JSON. */
  body?: unknown
}

const described = new WeakMap<World, OpenApi>()

/** The body of an answer that must be a success. */
export async function readJson(
  world: World,
  path: string,
  token: string,
): Promise<Record<string, unknown>> {
  const { status, json, text } = await call(world, path, { token })
  assert.equal(status, 200, text)
  return json
}

/** Asks the service; a problem that it answers must be one that its OpenAPI document describes. */
export async function call(world: World, path: string, options: Call = {}): Promise<Reply> {
  const { token, headers, body, method = body === undefined ? 'GET' : 'POST' } = options
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await request(`${world.service.url}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: text,
  })
  const answer = await response.body.text()
  const isJson = String(response.headers['content-type']).includes('json')
  const reply: Reply = {
    status: response.statusCode,
    headers: response.headers,
    text: answer,
    json: isJson ? (JSON.parse(answer) as Record<string, unknown>) : {},
  }
  if (reply.headers['content-type'] === PROBLEM_CONTENT_TYPE) {
    const { status, json } = reply
    assertDescribed(
      await openApiOf(world),
      { method, path },
      { status, code: String(json['code']) },
    )
  }
  return reply
}

/** What the service publishes about itself; the same for as long as it runs. */
async function openApiOf(world: World): Promise<OpenApi> {
  const known = described.get(world)
  if (known !== undefined) return known
  const response = await request(`${world.service.url}/openapi.json`)
  const document = (await response.body.json()) as OpenApi
  described.set(world, document)
  return document
}
