import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
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
    const { status } = await call(`${it.pspUrl}/admin/behaviour`, {
      method: 'PUT',
      body: { default: 'approve', by_operation: { refund: behaviour, void: behaviour } },
    })
    assert.equal(status, 200)
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
