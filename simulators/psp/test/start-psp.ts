import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { RunningService } from '@caudal/http/running-service.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestDatabase, type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { pspMigrations } from '../src/migrations.ts'

type Json = Record<string, unknown>

/** A response as it was received. */
export interface HttpResult {
  status: number
  headers: Headers
  text: string
  json: Json
}

/** A running simulator and its client. */
export interface Psp {
  db: Db
  url(): string
  pay(
    paymentId: string,
    change?: Json,
    options?: { key?: string; signal?: AbortSignal; traceparent?: string },
  ): Promise<HttpResult>
  /** Pays and returns the bank's id of the charge. */
  charge(paymentId: string, change?: Json): Promise<string>
  refund(refundId: string, change: Json, options?: { key?: string }): Promise<HttpResult>
  void(voidId: string, change: Json): Promise<HttpResult>
  payout(payoutId: string, change?: Json): Promise<HttpResult>
  call(method: string, path: string, body?: unknown): Promise<HttpResult>
  behave(settings: Json): Promise<void>
  charges(paymentId?: string): Promise<Json[]>
  /** Money that came back of the payment. */
  back(kind: 'refunds' | 'voids' | 'returns' | 'reversals', paymentId: string): Promise<Json[]>
  requests(paymentId: string): Promise<Json[]>
  restart(): Promise<void>
  /** Another process on the same database. */
  twin(): Promise<Psp>
}

/** Starts the simulator on a new database. Both are removed when the scope ends. */
export async function startPsp(scope: TestScope, env: NodeJS.ProcessEnv = {}): Promise<Psp> {
  const database = await testDatabase(scope, { sets: pspMigrations, name: 'psp' })
  return startOn(database, scope, env)
}

async function startOn(
  database: TestDatabase,
  scope: TestScope,
  env: NodeJS.ProcessEnv,
): Promise<Psp> {
  const config = readConfig({
    CAUDAL_PSP_DATABASE_URL: database.url,
    CAUDAL_PSP_PORT: '0',
    CAUDAL_LOG_LEVEL: 'silent',
    ...env,
  })
  let service: RunningService = await start(config)
  scope.after(() => service.stop())
  const call: Psp['call'] = (method, path, body) =>
    request(`${service.url}${path}`, { method, ...(body === undefined ? {} : json(body)) })
  const listed = async (path: string): Promise<Json[]> => {
    const got = await call('GET', path)
    assert.equal(got.status, 200, got.text)
    return got.json['data'] as Json[]
  }
  const keyed = (path: string, key: string, body: Json): Promise<HttpResult> => {
    const sent = json(body)
    const headers = { ...sent.headers, 'idempotency-key': key }
    return request(`${service.url}${path}`, { method: 'POST', headers, body: sent.body })
  }
  const psp: Psp = {
    db: database.pool,
    url: () => service.url,
    call,
    async charge(paymentId, change) {
      const { status, json: members } = await psp.pay(paymentId, change)
      assert.equal(status, 200)
      return String(members['gateway_transaction_id'])
    },
    refund: (refundId, change, { key = refundId } = {}) =>
      keyed('/v1/refunds', key, { ...exampleRefund(refundId), ...change }),
    void: (voidId, change) =>
      keyed('/v1/voids', voidId, { void_id: voidId, timestamp: TIMESTAMP, ...change }),
    payout: (payoutId, change = {}) =>
      keyed('/v1/payouts', payoutId, { ...examplePayout(payoutId), ...change }),
    back: (kind, paymentId) => listed(`/admin/${kind}?payment_id=${paymentId}`),
    pay(paymentId, change = {}, { key = paymentId, signal, traceparent } = {}) {
      const { headers, body } = json({ ...examplePayment(paymentId), ...change })
      return request(`${service.url}/v1/payments`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': key, ...(traceparent && { traceparent }) },
        body,
        ...(signal && { signal }),
      })
    },
    async behave(settings) {
      const got = await call('PUT', '/admin/behaviour', settings)
      assert.equal(got.status, 200, got.text)
    },
    charges: (paymentId) =>
      listed(`/admin/charges${paymentId === undefined ? '' : `?payment_id=${paymentId}`}`),
    requests: (paymentId) => listed(`/admin/requests?payment_id=${paymentId}`),
    async restart() {
      await service.stop()
      service = await start(config)
    },
    twin: () => startOn(database, scope, env),
  }
  return psp
}

const TIMESTAMP = '2026-08-24T19:35:05Z'

function exampleRefund(refundId: string): Json {
  return { refund_id: refundId, timestamp: TIMESTAMP, amount: '10.00', currency: 'USD' }
}

function examplePayout(payoutId: string): Json {
  return {
    payout_id: payoutId,
    timestamp: TIMESTAMP,
    amount: '10.00',
    currency: 'USD',
    source_account_number: '2143658709',
    name: 'Ana Pérez',
    account_number: '1234567890',
    bank_code: 'BNK112',
  }
}

/** An example payment request in the PSP's format. */
export function examplePayment(paymentId: string = randomUUID()): Json {
  return {
    payment_id: paymentId,
    timestamp: '2026-08-24T19:35:05Z',
    amount: '100.50',
    currency: 'USD',
    source: { account_number: '2143658709' },
    destination: { name: 'Servicio A', account_number: '1234567890', bank_code: 'BNK112' },
  }
}

function json(body: unknown) {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

async function request(url: string, init: RequestInit): Promise<HttpResult> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return {}
  }
}
