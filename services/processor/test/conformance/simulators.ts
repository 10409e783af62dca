import { parseAmount } from '@caudal/money/parse-amount.ts'
import { readConfig } from '@caudal/psp-simulator/config.ts'
import { start } from '@caudal/psp-simulator/main.ts'
import { pspMigrations } from '@caudal/psp-simulator/migrations.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { createAdapter } from '../../src/psp/adapters.ts'
import { call } from '../call.ts'
import { startAsyncbank } from '../start-asyncbank.ts'
import type { Booked, PspUnderTest } from './psp-under-test.ts'

/** The faults of both simulators, without lies that no adapter can see through. */
const TREATMENTS = [
  'approve',
  'decline',
  'error_500',
  'error_500_once',
  'rate_limit_once',
  'hang',
  'apply_then_hang',
  'apply_then_reset',
  'reset',
  'garbage',
  'wrong_amount',
  'wrong_currency',
  'no_transaction_id',
  'duplicate_members',
  'slow:250',
] as const

const LISTS = { pay: 'charges', refund: 'refunds', void: 'voids', payout: 'payouts' } as const
const IDS = {
  pay: 'payment_id',
  refund: 'refund_id',
  void: 'void_id',
  payout: 'payout_id',
} as const
const CALLBACK_SECRET = 'a-secret-of-callbacks'

type Admin = (method: 'GET' | 'PUT', path: string, body?: unknown) => Promise<Json>
type Json = Record<string, unknown>

/** What both simulators have in common: their admin interface. */
function underTest(
  url: string,
): Pick<PspUnderTest, 'url' | 'treatments' | 'treat' | 'movements'> & { admin: Admin } {
  const admin: Admin = async (method, path, body) => {
    const { status, text, json } = await call(`${url}/admin/${path}`, { method, body })
    if (status !== 200) throw new Error(`${path}: ${text}`)
    return json()
  }
  let present = ''
  return {
    url,
    admin,
    treatments: TREATMENTS,
    async treat(execute, query) {
      const next = `${execute} ${query}`
      if (next === present) return
      const settings = { default: execute, by_operation: { query }, settle_ms: 0 }
      await admin('PUT', 'behaviour', settings)
      present = next
    },
    async movements({ kind, operationId, paymentId }: Booked) {
      const of = paymentId === null ? `payout_id=${operationId}` : `payment_id=${paymentId}`
      const { data } = await admin('GET', `${LISTS[kind]}?${of}`)
      const own = (data as Json[]).filter((one) => one[IDS[kind]] === operationId)
      return own.map(({ amount, currency }) => parseAmount(String(amount), String(currency)))
    },
  }
}

/** The simulator of the PSP with a verdict in its answer. */
export async function syncbankUnderTest(scope: TestScope): Promise<PspUnderTest> {
  const { url: databaseUrl } = await testDatabase(scope, { sets: pspMigrations, name: 'psp' })
  const config = readConfig({ CAUDAL_PSP_PORT: '0', CAUDAL_PSP_DATABASE_URL: databaseUrl })
  const service = await start(config, createLogger({ service: 'psp', level: 'silent' }))
  scope.after(() => service.stop())
  const { admin, ...common } = underTest(service.url)
  return {
    ...common,
    name: 'syncbank',
    adapter: createAdapter('syncbank', {}),
    forgetKeys: null,
    async callBack(url) {
      await admin('PUT', 'callbacks', { url, secret: CALLBACK_SECRET })
      return ['a-former-secret', CALLBACK_SECRET]
    },
  }
}

/** The simulator of the asynchronous bank. */
export async function asyncbankUnderTest(scope: TestScope): Promise<PspUnderTest> {
  const { url: address, env, callBack } = await startAsyncbank(scope)
  const { admin: _admin, ...common } = underTest(address)
  return {
    ...common,
    name: 'asyncbank',
    adapter: createAdapter('asyncbank', { apiKey: env['CAUDAL_PSP_ASYNCBANK_API_KEY'] }),
    forgetKeys: 'forget_keys',
    callBack: async (url) => [await callBack(url)],
  }
}
