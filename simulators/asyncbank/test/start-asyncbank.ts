import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { RunningService } from '@caudal/http/running-service.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { readConfig } from '../src/config.ts'
import { start } from '../src/main.ts'
import { asyncbankMigrations } from '../src/migrations.ts'

type Json = Record<string, unknown>
type Fields = Record<string, string>

/** A response as it was received; `fields` are those of a form. */
export interface FormResult {
  status: number
  headers: Headers
  text: string
  fields: Fields
}

export interface OrderOptions {
  key?: string
  apiKey?: string
  signal?: AbortSignal
}

/** A running bank and its client. */
export interface Asyncbank {
  db: Db
  order(fields: Fields, options?: OrderOptions): Promise<FormResult>
  query(transferId: string): Promise<FormResult>
  /** Pays 100.50 USD and returns the bank's id once it is settled. */
  settledPayment(ref?: string, change?: Fields): Promise<string>
  /** Waits until the transfer has ended, and returns its fields. */
  ended(transferId: string): Promise<Fields>
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }>
  behave(settings: Json): Promise<void>
  /** All that a list has, or what it has of a payment. */
  list(name: string, paymentId?: string): Promise<Json[]>
  restart(): Promise<void>
}

const API_KEY = 'a-test-key'

/** Starts the bank on a new database. Both are removed when the scope ends. */
export async function startAsyncbank(
  scope: TestScope,
  env: NodeJS.ProcessEnv = {},
): Promise<Asyncbank> {
  const database = await testDatabase(scope, { sets: asyncbankMigrations, name: 'asyncbank' })
  const config = readConfig({
    CAUDAL_ASYNCBANK_DATABASE_URL: database.url,
    CAUDAL_ASYNCBANK_PORT: '0',
    CAUDAL_ASYNCBANK_SIMULATOR_API_KEY: API_KEY,
    CAUDAL_LOG_LEVEL: 'silent',
    ...env,
  })
  let service: RunningService = await start(config)
  scope.after(() => service.stop())
  const bank: Asyncbank = {
    db: database.pool,
    order: (fields, { key = fields['ref'] ?? '', apiKey = API_KEY, signal } = {}) =>
      send(`${service.url}/api/transfers`, {
        method: 'POST',
        headers: { 'x-api-key': apiKey, 'x-request-key': key },
        body: new URLSearchParams(fields),
        ...(signal && { signal }),
      }),
    query: (transferId) =>
      send(`${service.url}/api/transfers/${transferId}`, { headers: { 'x-api-key': API_KEY } }),
    async settledPayment(ref = newRef(), change = {}) {
      const { fields } = await bank.order({ ...examplePayment(ref), ...change })
      const id = fields['id'] ?? ''
      assert.equal((await bank.ended(id))['state'], 'settled')
      return id
    },
    ended: (transferId) =>
      eventually(async () => {
        const { fields } = await bank.query(transferId)
        return fields['state'] !== 'received' && fields
      }),
    async admin(method, path, body) {
      const headers = { 'content-type': 'application/json' }
      const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) }
      const response = await fetch(`${service.url}/admin/${path}`, { method, ...sent })
      return { status: response.status, json: (await response.json()) as Json }
    },
    async behave(settings) {
      const put = await bank.admin('PUT', 'behaviour', { settle_ms: 0, ...settings })
      assert.equal(put.status, 200, JSON.stringify(put.json))
    },
    async list(name, paymentId) {
      const filter = paymentId === undefined ? '' : `?payment_id=${paymentId}`
      const { json } = await bank.admin('GET', `${name}${filter}`)
      return json['data'] as Json[]
    },
    async restart() {
      await service.stop()
      service = await start(config)
    },
  }
  await bank.behave({})
  return bank
}

/** A new id of an operation, as the bank takes it. */
export function newRef(): string {
  return randomUUID().replaceAll('-', '')
}

/** The id as a UUID, as the lists show it. */
export function uuid(ref: string): string {
  return ref.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** An order to pay in the bank's format. */
export function examplePayment(ref: string): Fields {
  const from = { from: '2143658709', ccy: 'USD', amount: '10050' }
  return { ref, kind: 'pay', ...from, to: '1234567890', to_name: 'Servicio Á', to_bank: 'BNK112' }
}

/** An order for money that comes back of a payment. */
export function orderBack(kind: 'refund' | 'void', original: string, amount: string): Fields {
  return { ref: newRef(), kind, orig: original, amount, ccy: 'USD' }
}

async function send(url: string, init: RequestInit): Promise<FormResult> {
  const response = await fetch(url, init)
  const text = await response.text()
  const fields = Object.fromEntries(new URLSearchParams(text))
  return { status: response.status, headers: response.headers, text, fields }
}
