import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { accountIdOf, newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { watchPspStates } from '../src/calls/psp-states.ts'
import { startPspWork } from '../src/calls/psp-work.ts'
import { readConfig } from '../src/config.ts'
import type { RequestedPayout } from '../src/messaging/handlers.ts'
import { processBatch } from '../src/process-batch.ts'
import { call } from './call.ts'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, world } from './world.ts'

const SECRET = 'secret-of-main'
const ACCOUNT = '1234567890'
const scope = fileScope(after)
const asyncbank = await startAsyncbank(scope)
const it = await world(scope, {
  CAUDAL_PSPS: 'asyncbank',
  ...asyncbank.env,
  CAUDAL_PSP_ROUTES: JSON.stringify([{ currency: 'EUR', psps: ['asyncbank'] }]),
  CAUDAL_PSP_CALLBACK_SECRETS: SECRET,
  CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: await asyncbank.callBack(null),
})
const service = await it.start()
const take = await startIntake()

/** The processor's intake, which the consumer of its events uses. */
async function startIntake() {
  const logger = createLogger({ service: 'processor', level: 'silent' })
  const metrics = createMetrics('processor', { logger })
  const states = await watchPspStates(it.db, logger)
  const parts = { db: it.db, config: readConfig(it.env), states, logger, metrics }
  const work = startPspWork({ ...parts, wakeRelay: () => {} })
  scope.after(async () => {
    await work.stop()
    await states.stop()
  })
  return async (payouts: readonly RequestedPayout[]) => {
    const { outcomes, afterCommit } = await transaction(it.db, (tx) =>
      processBatch(work.intake, tx, payouts),
    )
    afterCommit?.()
    return outcomes
  }
}

function payoutOf(currency: string, accountNumber = ACCOUNT): RequestedPayout {
  const userId = newId()
  return {
    kind: 'payout',
    payoutId: newId(),
    tenantId: 'caudal',
    accountId: accountIdOf('caudal', userId, currency),
    userId,
    amountMinor: 1234n,
    currency,
    destination: { name: 'Ana Pérez', accountNumber, bankCode: 'BNK112' },
    requestedAt: new Date().toISOString(),
    traceparent: null,
  }
}

const PSPS = [
  { psp: 'main', url: it.pspUrl, currency: 'USD' },
  { psp: 'asyncbank', url: asyncbank.url, currency: 'EUR' },
] as const

async function behave(url: string, payout: string): Promise<void> {
  const body = { default: 'approve', by_operation: { payout }, settle_ms: 0 }
  const { status } = await call(`${url}/admin/behaviour`, { method: 'PUT', body })
  assert.equal(status, 200)
}

/** The PSP has received a request for the payout. */
async function requested(url: string, { payoutId }: RequestedPayout): Promise<void> {
  await eventually(async () => {
    const { text } = await call(`${url}/admin/requests?operation=payout&limit=1000`)
    return text.includes(payoutId)
  })
}

async function paid(url: string, { payoutId }: RequestedPayout): Promise<unknown[]> {
  const { json } = await call(`${url}/admin/payouts?payout_id=${payoutId}`)
  return (json()['data'] as Record<string, unknown>[]).map((one) => [
    one['amount'],
    one['currency'],
    one['account_number'],
  ])
}

type Row = { status: string; reason: string | null; psp: string; reversed: boolean }

async function rowOf({ payoutId }: RequestedPayout): Promise<Row | undefined> {
  const { rows } = await it.db.query<Row>(
    `SELECT status, reason, psp, reversed_at IS NOT NULL AS reversed FROM operations
     WHERE operation_id = $1 AND kind = 'payout' AND payment_id IS NULL`,
    [payoutId],
  )
  return rows[0]
}

function ends(payout: RequestedPayout, expected: Partial<Row>): Promise<Row> {
  return eventually(async () => {
    const row = await rowOf(payout)
    assert.ok(row)
    assert.deepEqual({ ...row, ...expected }, row)
    return row
  })
}

const BEHAVIOURS = [
  'approve',
  'apply_then_reset',
  'apply_then_hang',
  'error_500_twice',
  'garbage',
  'rate_limit_once',
  'wrong_amount',
]
for (const { psp, url, currency } of PSPS) {
  for (const behaviour of BEHAVIOURS) {
    test(`rule 9: the simulator of ${psp} that does ${behaviour} pays out once`, async () => {
      await behave(url, behaviour)
      const payout = payoutOf(currency)
      assert.deepEqual(await take([payout, payout]), ['recorded', 'recorded'])
      assert.deepEqual(await take([payout]), ['known'])
      await requested(url, payout)
      // It cannot be asked without its id, so the same request is repeated under its key.
      if (psp === 'asyncbank') await behave(url, 'approve')
      await ends(payout, { status: 'COMPLETED', psp, reversed: false })
      assert.deepEqual(await paid(url, payout), [['12.34', currency, ACCOUNT]])
    })
  }

  test(`a payout that ${psp} declines fails and moves nothing`, async () => {
    await behave(url, 'decline')
    const payout = payoutOf(currency)
    await take([payout])
    await ends(payout, { status: 'FAILED', reason: 'gateway_declined', psp })
    assert.deepEqual(await paid(url, payout), [])
  })
}

test('callbacks end payouts, and report one that the bank took back', async () => {
  await deliverTo(service.url)
  for (const { psp, url, currency } of PSPS) {
    await behave(url, 'reverse_after_success')
    const payout = payoutOf(currency)
    await take([payout])
    await ends(payout, { status: 'COMPLETED', psp, reversed: true })
    assert.deepEqual(await paid(url, payout), [])
  }
})

async function deliverTo(processor: string): Promise<void> {
  const body = { url: `${processor}/callbacks/main/main`, secret: SECRET }
  const { status } = await call(`${it.pspUrl}/admin/callbacks`, { method: 'PUT', body })
  assert.equal(status, 200)
  await asyncbank.callBack(`${processor}/callbacks/asyncbank/main`)
}
