import { readConfig } from '@caudal/asyncbank-simulator/config.ts'
import { start } from '@caudal/asyncbank-simulator/main.ts'
import { asyncbankMigrations } from '@caudal/asyncbank-simulator/migrations.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { call } from './call.ts'

const API_KEY = 'a-test-key'

export type Asyncbank = {
  url: string
  /** What a processor needs to call it. */
  env: Record<string, string>
  behave(settings: Record<string, unknown>): Promise<void>
  /** Where its callbacks go; returns the secret for them. Without an address they stay away. */
  callBack(to: string | null): Promise<string>
  /** What is in a list of its books about a payment. */
  list(name: 'charges' | 'refunds' | 'voids', paymentId: string): Promise<Record<string, unknown>[]>
}

/** Starts the simulator of the asynchronous bank; it stops at the end of the scope. */
export async function startAsyncbank(scope: TestScope): Promise<Asyncbank> {
  const database = await testDatabase(scope, { sets: asyncbankMigrations, name: 'asyncbank' })
  const config = readConfig({
    CAUDAL_ASYNCBANK_DATABASE_URL: database.url,
    CAUDAL_ASYNCBANK_PORT: '0',
    CAUDAL_ASYNCBANK_SIMULATOR_API_KEY: API_KEY,
    CAUDAL_LOG_LEVEL: 'silent',
  })
  const service = await start(config, createLogger({ service: 'asyncbank', level: 'silent' }))
  scope.after(() => service.stop())
  const { url } = service
  const bank: Asyncbank = {
    url,
    env: {
      CAUDAL_PSP_ASYNCBANK_URL: url,
      CAUDAL_PSP_ASYNCBANK_API_KEY: API_KEY,
    },
    async behave(settings) {
      const body = { default: 'approve', settle_ms: 0, ...settings }
      const { status, text } = await call(`${url}/admin/behaviour`, { method: 'PUT', body })
      if (status !== 200) throw new Error(`behaviour refused: ${text}`)
    },
    async callBack(to) {
      const options = { method: 'PUT', body: { url: to } } as const
      const { status, text, json } = await call(`${url}/admin/callbacks`, options)
      if (status !== 200) throw new Error(`callbacks refused: ${text}`)
      const { keyid, public_key: key } = json()
      return `${String(keyid)}:${String(key)}`
    },
    async list(name, paymentId) {
      const { json } = await call(`${url}/admin/${name}?payment_id=${paymentId}`)
      return json()['data'] as Record<string, unknown>[]
    },
  }
  await bank.behave({})
  return bank
}
