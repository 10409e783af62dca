import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { receiveCallbacks } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type Psp, startPsp } from './start-psp.ts'

const SECRETS = ['secret-number-one', 'secret-number-two']

async function world(t: TestContext) {
  const receiver = await receiveCallbacks(t)
  const psp = await startPsp(t, {
    CAUDAL_PSP_SIMULATOR_CALLBACK_URL: receiver.url,
    CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS: SECRETS.join(','),
  })
  const events = () =>
    receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  const about = (paymentId: string) => events().filter((event) => event['payment_id'] === paymentId)
  /** Waits until no callback of the payment waits to be sent, then returns those that arrived. */
  const settled = async (paymentId: string) => {
    await eventually(async () => (await waiting(psp, paymentId)) === 0)
    return about(paymentId)
  }
  return { psp, receiver, events, about, settled }
}

async function waiting(psp: Psp, paymentId: string): Promise<number> {
  const { rows } = await psp.db.query<{ waiting: number }>(
    `SELECT count(*)::integer AS waiting FROM callbacks
     WHERE delivered_at IS NULL AND body::jsonb ->> 'payment_id' = $1`,
    [paymentId],
  )
  return rows[0]?.waiting ?? 0
}

const types = (events: Record<string, unknown>[]) => events.map(({ type }) => String(type))

test('P8: every verdict is reported, signed over the raw bytes with every secret', async (t) => {
  const { psp, receiver, settled } = await world(t)
  const paymentId = randomUUID()
  const transactionId = await psp.charge(paymentId)
  const ids = { payment_id: paymentId, gateway_transaction_id: transactionId }
  const [approved] = await settled(paymentId)
  assert.deepEqual(approved, {
    event_id: approved?.['event_id'],
    type: 'payment.approved',
    ...ids,
    status: 'approved',
    amount: '100.50',
    currency: 'USD',
    occurred_at: approved?.['occurred_at'],
  })
  const { headers, body } = receiver.received[0]!
  const [time, ...signatures] = String(headers['x-gateway-signature']).split(',')
  assert.match(time ?? '', /^t=\d{10}$/)
  const text = `${time?.slice(2)}.${body}`
  assert.deepEqual(
    signatures,
    SECRETS.map((secret) => `v1=${createHmac('sha256', secret).update(text).digest('hex')}`),
  )
  const refundId = randomUUID()
  await psp.refund(refundId, ids)
  await psp.refund(randomUUID(), { ...ids, amount: '99.00' })
  await psp.call('POST', '/admin/refunds', { payment_id: paymentId, amount: '1.00' })
  await psp.call('POST', '/admin/returns', {
    payment_id: paymentId,
    amount: '2.00',
    reason: 'AC04',
  })
  const undone = randomUUID()
  const voided = { payment_id: undone, gateway_transaction_id: await psp.charge(undone) }
  await psp.void(randomUUID(), voided)
  await psp.void(randomUUID(), voided)
  const events = [...(await settled(paymentId)), ...(await settled(undone))]
  assert.deepEqual(types(events).toSorted(), [
    'payment.approved',
    'payment.approved',
    'payment.returned',
    'refund.approved',
    'refund.approved',
    'refund.failed',
    'void.approved',
    'void.failed',
  ])
  const refunds = events.filter(({ type }) => type === 'refund.approved')
  assert.deepEqual(
    new Set(refunds.map((event) => event['refund_id'])),
    new Set([refundId, undefined]),
  )
  for (const refund of refunds) assert.ok(refund['gateway_refund_id'])
  const returned = events.find(({ type }) => type === 'payment.returned')
  assert.deepEqual([returned?.['amount'], returned?.['reason_code']], ['2.00', 'AC04'])
  const refused = events.find(({ type }) => type === 'refund.failed')
  assert.equal(refused?.['reason_code'], 'nothing_left_to_refund')
  assert.equal(new Set(events.map((event) => event['event_id'])).size, events.length)
})

test('P8: the console captures what was declined, once, and reports the approval', async (t) => {
  const { psp, settled } = await world(t)
  await psp.behave({ default: 'decline' })
  const paymentId = randomUUID()
  assert.equal((await psp.pay(paymentId)).json['status'], 'failed')
  await settled(paymentId)
  const capture = () => psp.call('POST', '/admin/captures', { payment_id: paymentId })
  const { status, json } = await capture()
  assert.deepEqual([status, json['amount']], [201, '100.50'])
  assert.deepEqual(await psp.charges(paymentId), [json])
  const again = await capture()
  assert.deepEqual([again.status, again.json['code']], [404, 'PAYMENT_NOT_FOUND'])
  assert.deepEqual(types(await settled(paymentId)), ['payment.failed', 'payment.approved'])
  const queried = (await psp.call('GET', `/v1/payments/${paymentId}`)).json
  const transactionId = json['gateway_transaction_id']
  assert.deepEqual(
    [queried['status'], queried['gateway_transaction_id']],
    ['approved', transactionId],
  )
  const ids = { payment_id: paymentId, gateway_transaction_id: transactionId }
  await psp.behave({})
  assert.equal((await psp.refund(randomUUID(), ids)).status, 200)
})

test('P8: a callback is repeated with the same bytes until the receiver accepts it', async (t) => {
  const { psp, receiver, settled } = await world(t)
  receiver.answerWith(503)
  const paymentId = randomUUID()
  await psp.charge(paymentId)
  await eventually(() => receiver.received.length >= 2)
  receiver.answerWith(202)
  const events = await settled(paymentId)
  assert.ok(events.length >= 3)
  assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1)
})

test('P8: callbacks that were stored before a restart are sent after it', async (t) => {
  const { psp, receiver, settled } = await world(t)
  receiver.answerWith(500)
  const paymentId = randomUUID()
  await psp.behave({ default: 'callback_late:300' })
  await psp.charge(paymentId)
  await psp.restart()
  receiver.answerWith(204)
  assert.ok((await settled(paymentId)).length >= 1)
  const sent = await psp.call('GET', `/admin/callbacks/sent?subject_id=${paymentId}`)
  const [callback] = sent.json['data'] as { attempts: number; delivered_at: string | null }[]
  assert.ok(callback !== undefined && callback.attempts >= 1 && callback.delivered_at !== null)
})

test('P8: a repeat of a known key is not reported again', async (t) => {
  const { psp, settled } = await world(t)
  const paymentId = randomUUID()
  await Promise.all(Array.from({ length: 20 }, () => psp.pay(paymentId)))
  await psp.pay(paymentId)
  assert.deepEqual(types(await settled(paymentId)), ['payment.approved'])
})

test('P8: callback_before_answer delivers the callback before the answer', async (t) => {
  const { psp, receiver, about } = await world(t)
  for (const status of [204, 500]) {
    receiver.answerWith(status)
    await psp.behave({ default: 'callback_before_answer' })
    const paymentId = randomUUID()
    const gatewayTransactionId = await psp.charge(paymentId)
    assert.deepEqual(types(about(paymentId)), ['payment.approved'])
    const refundId = randomUUID()
    await psp.refund(refundId, {
      payment_id: paymentId,
      gateway_transaction_id: gatewayTransactionId,
    })
    assert.ok(about(paymentId).some((event) => event['refund_id'] === refundId))
  }
})

test('P8: callbacks misbehave as demanded, and the books keep the truth', async (t) => {
  const { psp, settled } = await world(t)
  const expected: [string, string[], string][] = [
    ['callback_twice', ['payment.approved', 'payment.approved'], '100.50'],
    ['callback_never', [], ''],
    ['callback_late:50', ['payment.approved'], '100.50'],
    ['callback_wrong_amount', ['payment.approved'], '0.01'],
    ['contradict', ['payment.failed'], '100.50'],
    ['decline', ['payment.failed'], '100.50'],
  ]
  for (const [behaviour, reported, amount] of expected) {
    await psp.behave({ default: behaviour })
    const paymentId = randomUUID()
    const { status } = await psp.pay(paymentId)
    assert.equal(status, behaviour === 'decline' ? 400 : 200, behaviour)
    const events = await settled(paymentId)
    assert.deepEqual(types(events), reported, behaviour)
    for (const event of events) assert.equal(event['amount'], amount, behaviour)
    assert.equal(new Set(events.map((event) => event['event_id'])).size, Math.min(1, events.length))
    const [charge] = await psp.charges(paymentId)
    assert.equal(charge?.['amount'], behaviour === 'decline' ? undefined : '100.50', behaviour)
  }
})

test('P8: reverse_after_success reports the approval and then the reversal', async (t) => {
  const { psp, settled } = await world(t)
  await psp.behave({ default: 'reverse_after_success' })
  const paymentId = randomUUID()
  await psp.charge(paymentId)
  assert.deepEqual(types(await settled(paymentId)), ['payment.approved', 'payment.reversed'])
  await psp.behave({ by_operation: { refund: 'reverse_after_success' } })
  const other = randomUUID()
  const ids = { payment_id: other, gateway_transaction_id: await psp.charge(other) }
  await psp.refund(randomUUID(), ids)
  const events = types(await settled(other))
  assert.deepEqual(events.slice(-2), ['refund.approved', 'refund.reversed'])
})

test('P8: the address and the secrets change at run time and survive a restart', async (t) => {
  const receiver = await receiveCallbacks(t)
  const psp = await startPsp(t)
  const silent = randomUUID()
  await psp.charge(silent)
  const refused = await psp.call('PUT', '/admin/callbacks', { url: receiver.url })
  assert.deepEqual([refused.status, refused.json['param']], [400, 'secret'])
  const wrong = { url: 'ftp://bank', secret: SECRETS[0] }
  assert.equal((await psp.call('PUT', '/admin/callbacks', wrong)).status, 400)
  const settings = { url: receiver.url, secret: SECRETS[0] }
  const put = await psp.call('PUT', '/admin/callbacks', settings)
  assert.deepEqual(put.json, { url: receiver.url, secrets: 1 })
  await psp.restart()
  assert.deepEqual((await psp.call('GET', '/admin/callbacks')).json, put.json)
  const paymentId = randomUUID()
  await psp.charge(paymentId)
  await eventually(() => receiver.received.length > 0)
  assert.deepEqual(
    receiver.received.map(({ body }) => (JSON.parse(body) as { payment_id: string }).payment_id),
    [paymentId],
  )
  await psp.call('PUT', '/admin/callbacks', { url: null })
  await psp.charge(randomUUID())
  assert.equal(receiver.received.length, 1)
})

test('P8: random behaviours of one operation do not depend on the others', async (t) => {
  const psp = await startPsp(t)
  const drawn = async (paysBetween: boolean) => {
    await psp.behave({ by_operation: { refund: 'random_callbacks:0.7' }, seed: 7 })
    const paymentId = randomUUID()
    const ids = { payment_id: paymentId, gateway_transaction_id: await psp.charge(paymentId) }
    for (let index = 0; index < 12; index++) {
      await psp.refund(randomUUID(), { ...ids, amount: '1.00' })
      if (paysBetween) await psp.charge(randomUUID())
    }
    const path = `/admin/requests?operation=refund&payment_id=${paymentId}`
    const { data } = (await psp.call('GET', path)).json as { data: { behaviour: string }[] }
    return data.map(({ behaviour }) => behaviour)
  }
  const first = await drawn(false)
  assert.deepEqual(await drawn(true), first)
  assert.ok(new Set(first).size > 2, String(first))
})
