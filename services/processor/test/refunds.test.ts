import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { newId, voidIdOf } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { listPspSteps } from '../src/store/list-psp-steps.ts'
import { type SmallPsp, smallPsp } from './small-psp.ts'
import { fileScope, fundsReserved, refundRequested, type RefundResult, world } from './world.ts'

const scope = fileScope(after)
const psp = await smallPsp(scope)
const settled = await smallPsp(scope)
settled.settle()
const it = await world(scope, { CAUDAL_PSP_URL: psp.url })
const late = await world(scope, { CAUDAL_PSP_URL: settled.url })
await it.start()
await late.start()

async function pay(at = it): Promise<FundsReserved> {
  const event = fundsReserved()
  await at.reserve([event])
  assert.equal((await at.final(event.payment_id)).event_type, 'payment.completed')
  return event
}

/** Waits for the final event of the refund and returns all of its events. */
async function refunded(refund: RefundRequested, at = it): Promise<RefundResult[]> {
  const check = async () => {
    const events = await at.refundResults(refund.refund_id)
    assert.match(events.at(-1)?.event_type ?? '', /succeeded|failed|canceled/)
    return events
  }
  return eventually(check, { timeoutMs: 30_000, label: 'the final event of the refund' })
}

const typesOf = (events: readonly RefundResult[]): string[] =>
  events.map(({ event_type: type }) => type.replace('refund.', ''))

/** The keys and bodies of the requests to carry out, without queries. */
const requestsFor = ({ seen }: SmallPsp, paymentId: string) =>
  seen.filter(({ method, body }) => method === 'POST' && body.includes(paymentId)).slice(1)

test('P12, F6: a whole payment that has not settled is voided, a part of one is refunded', async () => {
  const [whole, parted] = [await pay(), await pay()]
  const all = refundRequested(whole, '10.00')
  const part = refundRequested(parted, '4.00')
  await it.refund([all, part])
  const voided = await refunded(all)
  assert.deepEqual(typesOf(voided), ['submitted', 'succeeded'])
  const [submitted, succeeded] = voided as Extract<RefundResult, { psp: string }>[]
  assert.deepEqual([submitted?.method, succeeded?.method, succeeded?.psp], ['void', 'void', 'main'])
  const [asked] = requestsFor(psp, whole.payment_id)
  assert.deepEqual([asked?.kind, asked?.key], ['voids', voidIdOf(all.refund_id)])
  assert.deepEqual(JSON.parse(asked?.body ?? ''), {
    void_id: voidIdOf(all.refund_id),
    payment_id: whole.payment_id,
    gateway_transaction_id: `g-${whole.payment_id}`,
    timestamp: all.timestamp,
  })
  const part1 = (await refunded(part)).at(-1)
  assert(part1?.event_type === 'refund.succeeded')
  assert.equal(part1.method, 'refund')
  assert.equal(part1.gateway_response.gateway_transaction_id, `g-${part.refund_id}`)
  const [second] = requestsFor(psp, parted.payment_id)
  assert.deepEqual(JSON.parse(second?.body ?? ''), {
    refund_id: part.refund_id,
    payment_id: parted.payment_id,
    gateway_transaction_id: `g-${parted.payment_id}`,
    timestamp: part.timestamp,
    amount: '4.00',
    currency: 'USD',
  })
  assert.deepEqual(
    [psp.movedBack(whole.payment_id), psp.movedBack(parted.payment_id)],
    [1000n, 400n],
  )
})

test('a refund beyond what is left of the payment fails at once and is never sent', async () => {
  const payment = await pay()
  const refunds = ['6.00', '5.00', '4.00'].map((amount) => refundRequested(payment, amount))
  await it.refund(refunds)
  const ends = await Promise.all(refunds.map((one) => refunded(one)))
  assert.deepEqual(ends.map(typesOf), [
    ['submitted', 'succeeded'],
    ['failed'],
    ['submitted', 'succeeded'],
  ])
  const [failed] = ends[1] ?? []
  assert(failed?.event_type === 'refund.failed')
  assert.equal(failed.reason, 'refund_exceeds_payment')
  assert.equal(psp.movedBack(payment.payment_id), 1000n)
  assert.equal(requestsFor(psp, payment.payment_id).length, 2)
})

test('a refund of a payment that is unknown, or of another tenant, fails and is never sent', async () => {
  const payment = await pay()
  const unknown = refundRequested({ ...payment, payment_id: newId() }, '1.00')
  const foreign = refundRequested(payment, '1.00', { tenant_id: 'other' })
  const yen = refundRequested(payment, '1', { currency: 'JPY' })
  await it.refund([unknown, foreign, yen])
  for (const refund of [unknown, foreign, yen]) {
    const [failed] = await refunded(refund)
    assert(failed?.event_type === 'refund.failed')
    assert.equal(failed.reason, 'not_refundable')
  }
  assert.equal(requestsFor(psp, payment.payment_id).length, 0)
})

test('a void that comes after settlement is followed by a refund with a key of its own', async () => {
  const payment = await pay(late)
  const refund = refundRequested(payment, '10.00')
  await late.refund([refund])
  const events = await refunded(refund, late)
  assert.deepEqual(typesOf(events), ['submitted', 'succeeded'])
  const end = events.at(-1)
  assert(end?.event_type === 'refund.succeeded' && end.method === 'refund')
  const requests = requestsFor(settled, payment.payment_id)
  assert.deepEqual(
    requests.map(({ kind, key }) => [kind, key]),
    [
      ['voids', voidIdOf(refund.refund_id)],
      ['refunds', refund.refund_id],
    ],
  )
  assert.equal(settled.movedBack(payment.payment_id), 1000n)
})

test('rule 9: a refund whose answer is lost is in doubt until the PSP is asked, and moves once', async () => {
  const payment = await pay()
  const refund = refundRequested(payment, '3.00')
  psp.script('refunds', 'apply_then_reset')
  await it.refund([refund])
  assert.deepEqual(typesOf(await refunded(refund)), ['submitted', 'in_doubt', 'succeeded'])
  assert.equal(requestsFor(psp, payment.payment_id).length, 1)
  assert.equal(psp.movedBack(payment.payment_id), 300n)
})

test('rule 9: a refund that may have left is sent again with the same bytes and key', async () => {
  const payment = await pay()
  const refund = refundRequested(payment, '3.00')
  psp.script('refunds', 'reset', 'reset')
  await it.refund([refund])
  assert.deepEqual(typesOf(await refunded(refund)), ['submitted', 'in_doubt', 'succeeded'])
  const requests = requestsFor(psp, payment.payment_id)
  assert.equal(requests.length, 3)
  assert.equal(new Set(requests.map(({ body }) => body)).size, 1)
  assert.deepEqual([...new Set(requests.map(({ key }) => key))], [refund.refund_id])
  assert.equal(psp.movedBack(payment.payment_id), 300n)
})

test('a declined refund fails with the code of the PSP and with ours', async () => {
  const payment = await pay()
  const refund = refundRequested(payment, '3.00')
  psp.script('refunds', 'decline:refund_declined')
  await it.refund([refund])
  const events = await refunded(refund)
  const end = events.at(-1)
  assert(end?.event_type === 'refund.failed')
  assert.deepEqual(
    [end.reason, end.decline_code, end.gateway_response.error_code],
    ['gateway_declined', 'declined_by_bank', 'refund_declined'],
  )
  const again = refundRequested(payment, '10.00')
  await it.refund([again])
  assert.deepEqual(typesOf(await refunded(again)), ['submitted', 'succeeded'])
  assert.equal(psp.movedBack(payment.payment_id), 1000n)
})

test('a refund that the PSP fails for a time is sent again', async () => {
  const payment = await pay()
  const refund = refundRequested(payment, '3.00')
  psp.script('refunds', 'fail', 'fail')
  await it.refund([refund])
  assert.deepEqual(typesOf(await refunded(refund)), ['submitted', 'succeeded'])
  assert.equal(requestsFor(psp, payment.payment_id).length, 3)
})

test('a refund that is delivered twice is one operation, even if a void is no longer possible', async () => {
  const payment = await pay()
  const refund = refundRequested(payment, '10.00')
  await it.refund([refund])
  await refunded(refund)
  await it.db.query({
    text: `UPDATE payments SET finished_at = now() - interval '1 hour' WHERE payment_id = $1`,
    values: [payment.payment_id],
  })
  const next = refundRequested(payment, '1.00')
  await it.refund([{ ...refund, event_id: newId() }, next])
  await refunded(next)
  assert.deepEqual(typesOf(await it.refundResults(refund.refund_id)), ['submitted', 'succeeded'])
  assert.equal(psp.movedBack(payment.payment_id), 1000n)
})

test('a refund that is delivered again beside the next one leaves the next one its money', async () => {
  const payment = await pay()
  const first = refundRequested(payment, '4.00')
  await it.refund([first])
  await refunded(first)
  const next = refundRequested(payment, '6.00')
  await it.refund([{ ...first, event_id: newId() }, next])
  assert.deepEqual(typesOf(await refunded(next)), ['submitted', 'succeeded'])
  assert.equal(psp.movedBack(payment.payment_id), 1000n)
})

test('rule 9: a refund whose sender stopped while it was SENDING may have left, and moves once', async (t) => {
  const bank = await smallPsp(t)
  const own = await world(t, { CAUDAL_PSP_URL: bank.url })
  const first = await own.start()
  const payment = await pay(own)
  const refund = refundRequested(payment, '3.00')
  bank.script('refunds', 'apply_then_hang')
  await own.refund([refund])
  await eventually(() => bank.movedBack(payment.payment_id) === 300n)
  await first.stop()
  await own.start()
  const events = await refunded(refund, own)
  assert.deepEqual(typesOf(events), ['submitted', 'in_doubt', 'succeeded'])
  assert.equal(requestsFor(bank, payment.payment_id).length, 1)
  assert.equal(bank.movedBack(payment.payment_id), 300n)
  const steps = await listPspSteps(own.db, { tenantId: 'caudal', paymentId: payment.payment_id })
  assert.deepEqual(
    steps.slice(2).map(({ step, detail }) => [step, detail?.split(', ').slice(0, 2).join(', ')]),
    [
      ['psp.sending', 'refund, attempt 1'],
      ['psp.answered', 'refund, attempt 1: unknown'],
      ['psp.in_doubt', 'refund: the outcome is unknown'],
      ['psp.status_queried', 'refund, query 1: approved'],
    ],
  )
})
