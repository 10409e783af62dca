import { newId } from '@caudal/contracts/ids.ts'
import { logMigrations } from '@caudal/event-log/migrations.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { request } from 'undici'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { type Peers, startPeers } from './peers.ts'

export const logger = createLogger({ service: 'payments', level: 'silent' })

/** An answer as it came, to the byte. */
export interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json: Record<string, unknown>
}

export interface World {
  peers: Peers
  db: Awaited<ReturnType<typeof testDatabase>>
  log: Awaited<ReturnType<typeof testDatabase>>
  /** Starts one more instance of the service; stopped with the scope. */
  start(environment?: Record<string, string>): Promise<RunningService>
}

/** A database, an event log and the peers, for any number of instances of the service. */
export async function createWorld(scope: TestScope): Promise<World> {
  const peers = await startPeers(scope)
  const db = await testDatabase(scope, { sets: paymentMigrations, name: 'payments' })
  const log = await testDatabase(scope, { sets: [logMigrations], name: 'log' })
  return {
    peers,
    db,
    log,
    async start(environment = {}) {
      const config = readConfig({
        ...peers.environment,
        CAUDAL_PAYMENTS_DATABASE_URL: db.url,
        CAUDAL_LOG_DATABASE_URL: log.url,
        CAUDAL_PAYMENTS_PORT: '0',
        CAUDAL_LOG_LEVEL: 'silent',
        ...environment,
      })
      const service = await start(config)
      scope.after(() => service.stop())
      return service
    },
  }
}

export interface Call {
  token: string
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Record<string, string>
  body?: string
}

export async function call(url: string, { token, method, headers, body }: Call): Promise<Reply> {
  const response = await request(url, {
    method: method ?? 'GET',
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: body ?? null,
  })
  const text = await response.body.text()
  const isJson = String(response.headers['content-type']).includes('json')
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  }
}

/** Asks for a refund, with a fresh key unless one is given. */
export function refund(
  service: { url: string },
  token: string,
  paymentId: string,
  body: Record<string, unknown> | string = {},
  key = newId(),
): Promise<Reply> {
  const reason = 'requested_by_customer'
  return call(`${service.url}/v1/payments/${paymentId}/refunds`, {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: typeof body === 'string' ? body : JSON.stringify({ reason, ...body }),
  })
}

/** Asks to pay an order, with a fresh key unless one is given. */
export function pay(
  service: { url: string },
  token: string,
  order: string,
  { key = newId(), headers = {} }: { key?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  return call(`${service.url}/v1/payments`, {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
    body: JSON.stringify({ external_order_id: order }),
  })
}
