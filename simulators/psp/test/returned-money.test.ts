import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { startPsp } from './start-psp.ts'

test('all money that came back is in one list by payment, page by page, with the bank’s ids', async (t) => {
  const psp = await startPsp(t)
  await psp.behave({})
  const expected: [string, string, string | null][] = []
  for (const paymentId of [randomUUID(), randomUUID()].toSorted()) {
    const chargeId = await psp.charge(paymentId)
    const of = { payment_id: paymentId, gateway_transaction_id: chargeId }
    const refundId = randomUUID()
    await psp.refund(refundId, of)
    await psp.call('POST', '/admin/returns', {
      payment_id: paymentId,
      amount: '1.00',
      reason: 'AC04',
    })
    const { json } = await psp.call('GET', `/v1/refunds/${refundId}`)
    const [returned] = await psp.back('returns', paymentId)
    expected.push(
      [`refund ${refundId} of ${paymentId}`, chargeId, String(json['gateway_refund_id'])],
      [`return ${String(returned?.['return_id'])} of ${paymentId}`, chargeId, null],
    )
  }
  const found: typeof expected = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const more = cursor === '' ? '' : `&cursor=${cursor}`
    const { status, json } = await psp.call('GET', `/admin/returned-money?limit=1${more}`)
    assert.equal(status, 200)
    const [item] = json['data'] as Record<string, string>[]
    const { kind, movement_id: id, payment_id: paymentId, gateway_id: gatewayId } = item!
    const known = kind === 'refund' ? gatewayId! : null
    found.push([`${kind} ${id} of ${paymentId}`, item!['charge_id']!, known])
    cursor = json['next_cursor'] as string | null
  }
  assert.deepEqual(found, expected)
})
