import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { call } from './call.ts'
import { fileScope, fundsReserved, refundRequested, world } from './world.ts'

const it = await world(fileScope(after))
await it.start()

async function pay(): Promise<FundsReserved> {
  const event = fundsReserved()
  await it.reserve([event])
  assert.equal((await it.final(event.payment_id)).event_type, 'payment.completed')
  return event
}

async function end(refund: RefundRequested) {
  return eventually(async () => {
    const events = await it.refundResults(refund.refund_id)
    assert.match(events.at(-1)?.event_type ?? '', /succeeded|failed/)
    return events
  })
}

async function listed(what: string, payment: FundsReserved): Promise<unknown[]> {
  const { json } = await call(`${it.pspUrl}/admin/${what}?payment_id=${payment.payment_id}`)
  return json()['data'] as unknown[]
}

async function attemptsOf(refund: RefundRequested): Promise<string[]> {
  const { rows } = await it.db.query<{ status: string }>(
    `SELECT a.status FROM operation_attempts a JOIN operations o USING (operation_id)
     WHERE o.request_id = $1`,
    [refund.refund_id],
  )
  return rows.map(({ status }) => status)
}

async function setBehaviour(body: Record<string, unknown>): Promise<void> {
  const { status } = await call(`${it.pspUrl}/admin/behaviour`, { method: 'PUT', body })
  assert.equal(status, 200)
}

const BEHAVIOURS = [
  'approve',
  'apply_then_reset',
  'apply_then_hang',
  'error_500_once',
  'error_500_twice',
  'garbage',
  'rate_limit_once',
  'wrong_amount',
]
for (const behaviour of BEHAVIOURS) {
  test(`P12: the simulator that does ${behaviour} refunds and voids once`, async () => {
    const [whole, parted] = [await pay(), await pay()]
    await setBehaviour({
      default: 'approve',
      by_operation: { refund: behaviour, void: behaviour },
    })
    const all = refundRequested(whole, '10.00')
    const part = refundRequested(parted, '4.00')
    await it.refund([all, part])
    const ends = [(await end(all)).at(-1), (await end(part)).at(-1)]
    assert.deepEqual(
      ends.map((event) => event?.event_type),
      ['refund.succeeded', 'refund.succeeded'],
    )
    assert.equal((await listed('voids', whole)).length, 1)
    assert.equal((await listed('refunds', parted)).length, 1)

    await it.behave({})
  })
}

test('P12: a refund of which the PSP has nothing left FAILED at once, and is not sent again', async () => {
  const payment = await pay()
  // The whole payment went back at the console of the PSP, of which nothing is known here.
  const body = { payment_id: payment.payment_id, amount: '10.00' }
  const made = await call(`${it.pspUrl}/admin/refunds`, { method: 'POST', body })
  assert.equal(made.status, 201, made.text)
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const events = await end(refund)
  const types = events.map(({ event_type: type }) => type)
  assert.deepEqual(types, ['refund.submitted', 'refund.failed'])
  const failed = events.at(-1)
  assert.ok(failed?.event_type === 'refund.failed')
  assert.deepEqual(
    [failed.reason, failed.decline_code, failed.gateway_response.error_code],
    ['gateway_declined', 'nothing_left_to_refund', 'nothing_left_to_refund'],
  )
  assert.deepEqual(await attemptsOf(refund), ['DECLINED'])
  assert.equal((await listed('refunds', payment)).length, 1)
})

test('P12: a refund in doubt for a year does not fail by its age: the books of the PSP decide', async () => {
  const payment = await pay()
  const by_operation = { refund: 'apply_then_reset', query: 'error_500' }
  await setBehaviour({ default: 'approve', by_operation })
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  await eventually(async () => {
    const events = await it.refundResults(refund.refund_id)
    return events.at(-1)?.event_type === 'refund.in_doubt'
  })
  const owner = new pg.Client({ connectionString: it.adminUrl })
  await owner.connect()
  await owner.query(
    `UPDATE operations SET created_at = created_at - interval '1 year',
       in_doubt_at = in_doubt_at - interval '1 year', query_count = query_count + 500000,
       due_at = statement_timestamp()
     WHERE request_id = $1`,
    [refund.refund_id],
  )
  await owner.end()
  // Another query after all that time, which is not answered either.
  const asked = await eventually(async () => {
    const { rows } = await it.db.query<{ status: string; queries: number }>(
      'SELECT status, query_count AS queries FROM operations WHERE request_id = $1',
      [refund.refund_id],
    )
    return rows[0]!.queries > 500_002 && rows[0]
  })
  assert.equal(asked.status, 'IN_DOUBT')
  await setBehaviour({ default: 'approve' })
  const types = (await end(refund)).map(({ event_type: type }) => type)
  assert.deepEqual(types, ['refund.submitted', 'refund.in_doubt', 'refund.succeeded'])
  assert.equal((await listed('refunds', payment)).length, 1)
})
