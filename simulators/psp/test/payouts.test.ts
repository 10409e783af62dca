import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { startPsp } from './start-psp.ts'

describe('payouts of the simulated bank', async () => {
  const psp = await startPsp(suiteScope())
  beforeEach(() => psp.behave({}))
  const paidOut = async (payoutId: string) =>
    (await psp.call('GET', `/admin/payouts?payout_id=${payoutId}`)).json['data']

  test('P8: an approved payout has the documented body and is in the books once', async () => {
    const payoutId = randomUUID()
    const answers = await Promise.all(Array.from({ length: 20 }, () => psp.payout(payoutId)))
    const { json } = answers[0]!
    for (const answer of answers) assert.deepEqual([answer.status, answer.json], [200, json])
    assert.deepEqual(json, {
      payout_id: payoutId,
      status: 'approved',
      gateway_payout_id: json['gateway_payout_id'],
      amount: '10.00',
      currency: 'USD',
      message: 'The payout was processed successfully.',
    })
    assert.deepEqual((await psp.call('GET', `/v1/payouts/${payoutId}`)).json, json)
    const [booked, ...more] = (await paidOut(payoutId)) as Record<string, unknown>[]
    assert.deepEqual(more, [])
    assert.deepEqual(booked, {
      payout_id: payoutId,
      amount: '10.00',
      currency: 'USD',
      account_number: '1234567890',
      at: booked?.['at'],
    })
    const returned = await psp.call('GET', '/admin/returned-money')
    assert.ok(!returned.text.includes(payoutId), 'money that was paid out did not come back')
  })

  test('the key of a payout with another body is refused', async () => {
    const payoutId = randomUUID()
    assert.equal((await psp.payout(payoutId)).status, 200)
    const other = await psp.payout(payoutId, { amount: '11.00' })
    assert.deepEqual([other.status, other.json['code']], [422, 'IDEMPOTENCY_MISMATCH'])
    const refund = await psp.payout(randomUUID(), { account_number: undefined })
    assert.equal(refund.status, 400)
  })

  test('a payout misbehaves by its account and by its operation', async () => {
    await psp.behave({
      by_operation: { payout: 'reverse_after_success' },
      by_account: { '666': 'decline' },
    })
    const [declined, reversed]: [string, string] = [randomUUID(), randomUUID()]
    const answer = await psp.payout(declined, { account_number: '666' })
    assert.equal(answer.status, 422)
    assert.equal(answer.json['error_code'], 'invalid_account_number')
    assert.equal((await psp.payout(reversed)).status, 200)
    assert.deepEqual(await paidOut(declined), [])
    assert.deepEqual(await paidOut(reversed), [])
    const { json } = await psp.call('GET', '/admin/requests?operation=payout&limit=1000')
    const ours = (json['data'] as Record<string, unknown>[]).filter((it) =>
      [declined, reversed].includes(String(it['operation_id'])),
    )
    assert.deepEqual(
      ours.map((it) => it['behaviour']),
      ['decline', 'reverse_after_success'],
    )
  })
})
