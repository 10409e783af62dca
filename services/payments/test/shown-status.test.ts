import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { Payment } from '../src/domain/payment.ts'
import { answerOf, pendingRefund, refundEventsOf } from './refund-stories.ts'
import { capture, emittedOf, findOne, requestRefunds, runBatch } from './spine.ts'
import { call, createWorld, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let staff: string

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  staff = await world.peers.serviceToken('payments:read trace:read')
})

/** A refund of the payment that ends with its credit. */
async function refundWhole(payment: Payment, amountMinor: bigint) {
  const { pool } = world.db
  const refund = pendingRefund(payment, { amountMinor })
  const it = refundEventsOf(refund)
  await requestRefunds(pool, refund)
  await runBatch(pool, [it.submitted(), it.succeeded()])
  const postings = await emittedOf(pool, 'posting.requested', payment.paymentId)
  await runBatch(pool, [answerOf(postings.find(({ source }) => source.id === refund.refundId)!)])
  return it
}

/** The status of a payment wherever it is shown: to its user, in lists, and to staff. */
async function shown({ paymentId, userId }: Payment): Promise<string> {
  const user = await world.peers.userToken(userId)
  const { url } = service
  const found = [
    (await call(`${url}/v1/payments/${paymentId}`, { token: user })).json,
    (await call(`${url}/v1/ops/payments/${paymentId}`, { token: staff })).json,
    ...((await call(`${url}/v1/payments`, { token: user })).json['data'] as object[]),
  ] as { status: string }[]
  const statuses = new Set(found.map(({ status }) => status))
  assert.equal(found.length, 3)
  assert.equal(statuses.size, 1, [...statuses].join())
  return found[0]!.status
}

async function listed(status: string): Promise<string[]> {
  const { json } = await call(`${service.url}/v1/ops/payments?status=${status}`, { token: staff })
  return (json['data'] as { payment_id: string }[]).map(({ payment_id }) => payment_id)
}

test('P12: the shown status follows from what came back; the stored one stays COMPLETED', async () => {
  const payment = await capture(world.db.pool)
  assert.equal(await shown(payment), 'COMPLETED')
  const { pool } = world.db
  const pending = pendingRefund(payment, { amountMinor: 1_000n })
  await requestRefunds(pool, pending)
  assert.equal(await shown(payment), 'COMPLETED', 'a refund under way is not shown')
  await runBatch(pool, [refundEventsOf(pending).failed()])
  const it = await refundWhole(payment, 4_000n)
  assert.equal(await shown(payment), 'PARTIALLY_REFUNDED')
  await refundWhole(payment, 6_000n)
  assert.equal(await shown(payment), 'REFUNDED')
  await runBatch(pool, [it.reversed(), it.recaptured()])
  assert.equal(await shown(payment), 'PARTIALLY_REFUNDED')
  await pool.query('UPDATE payments SET returned_minor = 1000 WHERE payment_id = $1', [
    payment.paymentId,
  ])
  assert.equal(await shown(payment), 'RETURNED')
  assert.equal((await findOne(pool, payment.paymentId)).status, 'COMPLETED')
})

test('staff finds payments by the status that is shown', async () => {
  const payments = [
    await capture(world.db.pool),
    await capture(world.db.pool),
    await capture(world.db.pool),
  ] as const
  const [whole, part, refunded] = payments.map(({ paymentId }) => paymentId)
  await refundWhole(payments[1], 4_000n)
  await refundWhole(payments[2], 10_000n)
  const among = async (status: string) =>
    (await listed(status)).filter((id) => [whole, part, refunded].includes(id))
  assert.deepEqual(await among('COMPLETED'), [whole])
  assert.deepEqual(await among('PARTIALLY_REFUNDED'), [part])
  assert.deepEqual(await among('REFUNDED'), [refunded])
  assert.deepEqual(await among('RETURNED'), [])
})

test('P11: the steps of a payment have those of its refunds', async () => {
  const payment = await capture(world.db.pool)
  const it = await refundWhole(payment, 4_000n)
  await runBatch(world.db.pool, [it.reversed(), it.recaptured('receivable')])
  const url = `${service.url}/internal/payments/${payment.paymentId}/steps`
  const { json } = await call(url, { token: staff })
  const steps = json['steps'] as { at: string; step: string; detail: string }[]
  const names = steps.map(({ step }) => step)
  assert.deepEqual(names.toSorted(), [
    'payment.completed',
    'payment.requested',
    'refund.approved',
    'refund.credited',
    'refund.recaptured',
    'refund.requested',
    'refund.reversed',
    'refund.submitted',
  ])
  assert.deepEqual(
    steps.map(({ at }) => at),
    steps.map(({ at }) => at).toSorted(),
  )
  assert.match(
    steps.find(({ step }) => step === 'refund.recaptured')!.detail,
    /40\.00 USD from receivable/,
  )
})
