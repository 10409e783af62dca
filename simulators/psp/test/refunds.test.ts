import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { startPsp } from './start-psp.ts'

describe('money that comes back from the simulated bank', async () => {
  const psp = await startPsp(suiteScope())
  beforeEach(() => psp.behave({}))

  /** A charge of 100.50 USD, as the members of a request about it. */
  async function charged(): Promise<{ payment_id: string; gateway_transaction_id: string }> {
    const paymentId = randomUUID()
    return { payment_id: paymentId, gateway_transaction_id: await psp.charge(paymentId) }
  }

  const amounts = (items: Record<string, unknown>[]) => items.map((item) => item['amount'])

  test('P8: an approved refund has the documented body and is in the books', async () => {
    const charge = await charged()
    const refundId = randomUUID()
    const { status, json } = await psp.refund(refundId, charge)
    assert.equal(status, 200)
    assert.deepEqual(json, {
      refund_id: refundId,
      payment_id: charge.payment_id,
      status: 'approved',
      gateway_refund_id: json['gateway_refund_id'],
      amount: '10.00',
      currency: 'USD',
      message: 'The refund was processed successfully.',
    })
    const [booked, ...more] = await psp.back('refunds', charge.payment_id)
    assert.deepEqual(more, [])
    assert.deepEqual(booked, {
      refund_id: refundId,
      payment_id: charge.payment_id,
      amount: '10.00',
      currency: 'USD',
      at: booked?.['at'],
    })
    assert.equal((await psp.charges(charge.payment_id)).length, 1)
    assert.deepEqual((await psp.call('GET', `/v1/refunds/${refundId}`)).json, json)
  })

  test('P8: parallel refunds never exceed the charge', async () => {
    const charge = await charged()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => psp.refund(randomUUID(), charge)),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 10)
    for (const { status, json } of answers) {
      if (status !== 200) assert.equal(json['error_code'], 'nothing_left_to_refund')
    }
    assert.equal((await psp.back('refunds', charge.payment_id)).length, 10)
  })

  test('P8: refunds at two processes of the bank never exceed the charge', async (t) => {
    const first = await startPsp(t)
    const second = await first.twin()
    for (let round = 0; round < 5; round++) {
      const paymentId = randomUUID()
      const transactionId = await first.charge(paymentId)
      const ids = { payment_id: paymentId, gateway_transaction_id: transactionId }
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? first : second).refund(randomUUID(), ids),
        ),
      )
      assert.equal(answers.filter(({ status }) => status === 200).length, 10)
      assert.equal((await second.back('refunds', paymentId)).length, 10)
    }
  })

  test('P8: a refund, a void and a return of one payment never exceed the charge together', async () => {
    for (let round = 0; round < 10; round++) {
      const charge = await charged()
      await Promise.all([
        psp.refund(randomUUID(), { ...charge, amount: '60.00' }),
        psp.void(randomUUID(), charge),
        psp.call('POST', '/admin/returns', { payment_id: charge.payment_id, reason: 'AC04' }),
        psp.call('POST', '/admin/refunds', { payment_id: charge.payment_id, amount: '50.00' }),
      ])
      const kinds = ['refunds', 'voids', 'returns'] as const
      const lists = await Promise.all(kinds.map((kind) => psp.back(kind, charge.payment_id)))
      const cents = amounts(lists.flat()).map((amount) => Number(amount) * 100)
      assert.ok(cents.length > 0 && cents.reduce((sum, one) => sum + one, 0) <= 10_050)
    }
  })

  test('P8: a verdict is final: a repeat moves no money and gets the same bytes', async () => {
    const charge = await charged()
    const refundId = randomUUID()
    const first = await psp.refund(refundId, charge)
    await psp.behave({ by_operation: { refund: 'decline' } })
    assert.equal((await psp.refund(refundId, charge)).text, first.text)
    const declined = randomUUID()
    const { status, json } = await psp.refund(declined, charge)
    assert.deepEqual([status, json['error_code']], [422, 'refund_declined'])
    await psp.restart()
    await psp.behave({})
    assert.equal((await psp.refund(declined, charge)).json['error_code'], 'refund_declined')
    assert.equal((await psp.back('refunds', charge.payment_id)).length, 1)
  })

  test('P8: a key with another body is refused with a problem that is no verdict', async () => {
    const charge = await charged()
    const refundId = randomUUID()
    await psp.refund(refundId, charge)
    const other = await psp.refund(refundId, { ...charge, amount: '11.00' })
    assert.deepEqual([other.status, other.json['code']], [422, 'IDEMPOTENCY_MISMATCH'])
    assert.equal('error_code' in other.json, false)
    const foreign = await psp.refund(randomUUID(), charge, { key: refundId })
    assert.equal(foreign.json['code'], 'IDEMPOTENCY_MISMATCH')
    const strange = await psp.refund(randomUUID(), charge, { key: randomUUID() })
    assert.equal(strange.json['code'], 'INVALID_IDEMPOTENCY_KEY')
  })

  test('P8: a refund of what was not charged fails', async () => {
    await psp.behave({ by_account: { '1234567890': 'decline' } })
    const failed = randomUUID()
    await psp.pay(failed)
    await psp.behave({})
    const charge = await charged()
    for (const paymentId of [failed, randomUUID(), charge.payment_id]) {
      const ids = { payment_id: paymentId, gateway_transaction_id: randomUUID() }
      const { status, json } = await psp.refund(randomUUID(), ids)
      assert.deepEqual([status, json['error_code']], [422, 'payment_not_found'])
    }
    const euros = await psp.refund(randomUUID(), { ...charge, currency: 'EUR' })
    assert.equal(euros.json['error_code'], 'refund_declined')
  })

  test('P8: a void undoes a whole charge, once, and only until it is settled', async () => {
    const charge = await charged()
    const parted = await charged()
    await psp.refund(randomUUID(), parted)
    assert.equal((await psp.void(randomUUID(), parted)).json['error_code'], 'already_settled')
    const voidId = randomUUID()
    const { status, json } = await psp.void(voidId, charge)
    assert.deepEqual([status, json['status'], json['amount']], [200, 'approved', '100.50'])
    assert.deepEqual(amounts(await psp.back('voids', charge.payment_id)), ['100.50'])
    assert.equal((await psp.void(voidId, charge)).json['gateway_void_id'], json['gateway_void_id'])
    const again = await psp.void(randomUUID(), charge)
    assert.deepEqual([again.status, again.json['error_code']], [422, 'already_voided'])
    const late = await charged()
    await psp.behave({ void_ms: 0, refund_ms: 0 })
    assert.equal((await psp.void(randomUUID(), late)).json['error_code'], 'already_settled')
    const old = await psp.refund(randomUUID(), late)
    assert.equal(old.json['error_code'], 'refund_window_closed')
  })

  test('P8: each operation has its own behaviour; the account is narrower', async () => {
    const charge = await charged()
    await psp.behave({
      default: 'error_500',
      by_operation: { pay: 'approve', refund: 'error_500_once', void: 'decline' },
    })
    assert.equal((await psp.pay(randomUUID())).status, 200)
    const refundId = randomUUID()
    assert.equal((await psp.refund(refundId, charge)).json['error_code'], 'gateway_unailable')
    assert.equal((await psp.refund(refundId, charge)).status, 200)
    assert.equal((await psp.void(randomUUID(), charge)).json['error_code'], 'already_settled')
    await psp.behave({
      by_operation: { refund: 'decline' },
      by_account: { '1234567890': 'approve' },
    })
    assert.equal((await psp.refund(randomUUID(), charge)).status, 200)
    const path = `/admin/requests?operation=refund&payment_id=${charge.payment_id}`
    const { data } = (await psp.call('GET', path)).json as { data: { behaviour: string }[] }
    const behaviours = data.map(({ behaviour }) => behaviour)
    assert.deepEqual(behaviours, ['error_500_once', 'error_500_once', 'approve'])
  })

  test('P8: a refund whose answer is lost has moved money, which the status query shows', async () => {
    const charge = await charged()
    await psp.behave({ by_operation: { refund: 'apply_then_reset' } })
    const refundId = randomUUID()
    await assert.rejects(psp.refund(refundId, charge), /fetch failed/)
    assert.equal((await psp.call('GET', `/v1/refunds/${refundId}`)).json['status'], 'approved')
    await psp.behave({ by_operation: { refund: 'reset' } })
    const lost = randomUUID()
    await assert.rejects(psp.refund(lost, charge), /fetch failed/)
    const absent = (await psp.call('GET', `/v1/refunds/${lost}`)).json
    assert.deepEqual(absent, { refund_id: lost, status: 'not_found' })
    assert.equal((await psp.back('refunds', charge.payment_id)).length, 1)
  })

  test('P8: status queries misbehave only by their own operation', async () => {
    const charge = await charged()
    const path = `/v1/payments/${charge.payment_id}`
    const status = async () => (await psp.call('GET', path)).json['status']
    await psp.behave({ default: 'error_500', by_account: { '1234567890': 'garbage' } })
    assert.equal(await status(), 'approved')
    await psp.behave({ by_operation: { query: 'error_500_once' } })
    assert.equal((await psp.call('GET', path)).status, 500)
    assert.equal(await status(), 'approved')
    await psp.behave({ by_operation: { query: 'contradict' } })
    assert.equal(await status(), 'failed')
    await psp.behave({ by_operation: { query: 'forget_keys' } })
    assert.equal(await status(), 'not_found')
    await psp.behave({ by_operation: { query: 'wrong_amount' } })
    assert.equal((await psp.call('GET', path)).json['amount'], '0.01')
    assert.equal((await psp.charges(charge.payment_id))[0]?.['amount'], '100.50')
  })

  test('P8: a bank that forgets keys moves money again for a repeat', async () => {
    await psp.behave({ default: 'forget_keys' })
    const paymentId = randomUUID()
    const transactions = [await psp.charge(paymentId), await psp.charge(paymentId)]
    assert.equal(new Set(transactions).size, 2)
    const charges = await psp.charges(paymentId)
    assert.deepEqual(
      charges.map((charge) => charge['gateway_transaction_id']),
      transactions.toSorted(),
    )
    const first = { payment_id: paymentId, gateway_transaction_id: transactions[0] }
    const refundId = randomUUID()
    for (let time = 0; time < 2; time++) await psp.refund(refundId, first)
    assert.deepEqual(amounts(await psp.back('refunds', paymentId)), ['10.00', '10.00'])
    const page = await psp.call('GET', `/admin/charges?payment_id=${paymentId}&limit=1`)
    const cursor = String(page.json['next_cursor'])
    const next = await psp.call(
      'GET',
      `/admin/charges?payment_id=${paymentId}&limit=1&cursor=${cursor}`,
    )
    assert.deepEqual(
      [...(page.json['data'] as object[]), ...(next.json['data'] as object[])],
      charges,
    )
  })

  test('P8: a bank that reverses after success has the money back in its books', async () => {
    await psp.behave({ default: 'reverse_after_success' })
    const reversed = await charged()
    assert.deepEqual(amounts(await psp.charges(reversed.payment_id)), ['100.50'])
    assert.deepEqual(amounts(await psp.back('reversals', reversed.payment_id)), ['100.50'])
    await psp.behave({})
    const nothing = await psp.refund(randomUUID(), reversed)
    assert.equal(nothing.json['error_code'], 'nothing_left_to_refund')
    const charge = await charged()
    await psp.behave({ by_operation: { refund: 'reverse_after_success' } })
    const refundId = randomUUID()
    assert.equal((await psp.refund(refundId, { ...charge, amount: '100.50' })).status, 200)
    assert.deepEqual(await psp.back('refunds', charge.payment_id), [])
    const [reversal] = await psp.back('reversals', charge.payment_id)
    assert.deepEqual([reversal?.['refund_id'], reversal?.['amount']], [refundId, '100.50'])
    await psp.behave({})
    assert.equal((await psp.refund(randomUUID(), charge)).status, 200)
  })

  test('P8: the console sends money back within the charge, and refuses more', async () => {
    const charge = await charged()
    const order = { payment_id: charge.payment_id, amount: '100.00' }
    const refund = await psp.call('POST', '/admin/refunds', order)
    assert.equal(refund.status, 201)
    const bankId = String(refund.json['refund_id'])
    assert.equal((await psp.call('GET', `/v1/refunds/${bankId}`)).json['status'], 'approved')
    const again = await psp.call('POST', '/admin/refunds', order)
    assert.deepEqual([again.status, again.json['code']], [422, 'CORRECTION_EXCEEDS_ORIGINAL'])
    const rest = { payment_id: charge.payment_id, reason: 'AC04' }
    const returned = await psp.call('POST', '/admin/returns', rest)
    assert.deepEqual([returned.status, returned.json['amount']], [201, '0.50'])
    assert.equal((await psp.back('returns', charge.payment_id))[0]?.['reason'], 'AC04')
    const late = { ...rest, beyond_charge: true, amount: '7.00' }
    assert.equal((await psp.call('POST', '/admin/returns', late)).json['amount'], '7.00')
    const nothing = await psp.refund(randomUUID(), charge)
    assert.equal(nothing.json['error_code'], 'nothing_left_to_refund')
    const unknown = await psp.call('POST', '/admin/refunds', { payment_id: randomUUID() })
    assert.deepEqual([unknown.status, unknown.json['code']], [404, 'PAYMENT_NOT_FOUND'])
    const malformed = { payment_id: charge.payment_id, amount: '1.005' }
    assert.equal((await psp.call('POST', '/admin/refunds', malformed)).status, 400)
  })
})
