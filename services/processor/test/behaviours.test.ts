import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after))
/** A busy machine delays payments, so the test takes the fastest of a few. */
const PAYMENTS_AT_MOST = 3

const ends = [
  { behaviour: 'approve', type: 'payment.completed', requests: 1, doubt: false },
  { behaviour: 'slow:100', type: 'payment.completed', requests: 1, doubt: false },
  { behaviour: 'decline', type: 'payment.failed.gateway_error', requests: 1, doubt: false },
  { behaviour: 'error_500', type: 'payment.failed.gateway_error', requests: 4, doubt: false },
  { behaviour: 'error_500_once', type: 'payment.completed', requests: 2, doubt: false },
  { behaviour: 'error_500_twice', type: 'payment.completed', requests: 3, doubt: false },
  { behaviour: 'rate_limit_once', type: 'payment.completed', requests: 2, doubt: false },
  { behaviour: 'apply_then_hang', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'apply_then_reset', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'garbage', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'wrong_amount', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'wrong_currency', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'no_transaction_id', type: 'payment.completed', requests: 1, doubt: true },
  { behaviour: 'duplicate_members', type: 'payment.completed', requests: 1, doubt: true },
] as const

async function started(t: TestContext, env: Record<string, string> = {}): Promise<void> {
  const service = await it.start(env)
  t.after(() => service.stop())
}

test('P5: the outcome of a payment matches the moved money for each behaviour of the PSP', async (t) => {
  await it.behave({
    by_account: Object.fromEntries(ends.map(({ behaviour }, index) => [`acc-${index}`, behaviour])),
  })
  await started(t, { CAUDAL_PSP_TIMEOUT: '3s' })
  for (const [index, { behaviour, type, requests, doubt }] of ends.entries()) {
    await t.test(behaviour, async () => {
      const event = fundsReserved(`acc-${index}`)
      await it.reserve([event])
      const result = await it.final(event.payment_id)
      assert.equal(result.event_type, type)
      const emitted = (await it.resultsOf(event.payment_id)).map((one) => one.event_type)
      assert.deepEqual(emitted, doubt ? ['payment.in_doubt', type] : [type])
      assert.equal(await it.charges(event.payment_id), type === 'payment.completed' ? 1 : 0)
      assert.equal(await it.requests(event.payment_id), requests)
    })
  }
})

test('P5: a failure rate of 20% opens no circuit and charges no payment twice', async (t) => {
  await it.behave({ default: 'random:0.2' })
  const service = await it.start({ CAUDAL_PSP_TIMEOUT: '3s' })
  t.after(() => service.stop())
  const events = Array.from({ length: 300 }, () => fundsReserved())
  await it.reserve(events)
  await eventually(async () => {
    const { rows } = await it.db.query(
      `SELECT count(*)::int AS count FROM payments
       WHERE payment_id = ANY($1) AND (status <> 'PENDING' OR attempt_number > 1)`,
      [events.map((event) => event.payment_id)],
    )
    return rows[0].count >= 200
  })
  const metrics = await call(`${service.url}/metrics`)
  assert.match(metrics.text, /psp_circuit_state\{[^}]*state="closed"[^}]*\} 1$/m)
  await it.behave({})
  const finals = await it.finals(events)
  for (const { payment_id: paymentId } of events) {
    const completed = finals.get(paymentId)?.event_type === 'payment.completed'
    assert.equal(await it.charges(paymentId), completed ? 1 : 0)
  }
})

test('by default a payment is in doubt after 6 s, with a status query 2 s later', async (t) => {
  await it.behave({ default: 'hang' })
  await started(t, {
    CAUDAL_PSP_TIMEOUT: '',
    CAUDAL_PSP_CONNECT_TIMEOUT: '',
    CAUDAL_PSP_FIRST_QUERY: '',
  })
  const isInTime = (one: Delays): boolean => one.doubt_seconds < 6 && one.query_seconds < 2
  const measured: Delays[] = []
  while (measured.length < PAYMENTS_AT_MOST && !measured.some(isInTime)) {
    measured.push(await delaysOfOne())
  }
  assert.ok(measured.some(isInTime), JSON.stringify(measured))
})

/** The times from sending to doubt and from doubt to the status query. */
type Delays = { doubt_seconds: number; query_seconds: number }

async function delaysOfOne(): Promise<Delays> {
  const event = fundsReserved()
  await it.reserve([event])
  await eventually(async () => (await it.resultsOf(event.payment_id)).length === 1)
  return eventually(async () => {
    const { rows } = await it.db.query<Delays>(
      `SELECT extract(epoch FROM p.in_doubt_at - a.sending_at)::float8 AS doubt_seconds,
         extract(epoch FROM q.answered_at - p.in_doubt_at)::float8 AS query_seconds
       FROM payments p JOIN attempts a ON a.payment_id = p.payment_id AND a.number = 1
       JOIN status_queries q ON q.payment_id = p.payment_id AND q.number = 1
       WHERE p.payment_id = $1`,
      [event.payment_id],
    )
    return rows[0]
  })
}

for (const behaviour of ['hang', 'reset']) {
  test(`P5: ${behaviour} leaves the payment in doubt until the PSP recovers, charged once`, async (t) => {
    await it.behave({ default: behaviour })
    await started(t)
    const event = fundsReserved()
    await it.reserve([event])
    await eventually(async () => (await it.requests(event.payment_id)) >= 2, {
      label: 'the request is sent again with its idempotency key',
    })
    assert.deepEqual(
      (await it.resultsOf(event.payment_id)).map((one) => one.event_type),
      ['payment.in_doubt'],
    )
    await it.behave({ default: 'approve' })
    assert.equal((await it.final(event.payment_id)).event_type, 'payment.completed')
    assert.equal(await it.charges(event.payment_id), 1)
  })
}

test("P7: the events carry the data for the next step and the PSP's response", async (t) => {
  await it.behave({ by_account: { bad: 'decline', down: 'error_500' } })
  await started(t, { CAUDAL_REGION: 'eu-1' })
  const events = ['good', 'bad', 'down'].map((account) => fundsReserved(account))
  await it.reserve(events)
  const [good, bad, down] = await Promise.all(events.map((event) => it.final(event.payment_id)))
  const { user_id, account_id, wallet_transaction_id, payment_id } = events[0]!
  assert.ok(good?.event_type === 'payment.completed')
  const { event_id: _id, timestamp: _at, gateway_response: answer, ...members } = good
  assert.deepEqual(members, {
    event_type: 'payment.completed',
    schema_version: '1.1.1',
    psp: 'main',
    actor: { type: 'system', id: 'processor' },
    region: 'eu-1',
    tenant_id: 'caudal',
    account_id,
    payment_id,
    user_id,
    amount: '10.00',
    currency: 'USD',
    wallet_transaction_id,
  })
  assert.equal(answer.status, 'approved')
  assert.match(answer.gateway_transaction_id ?? '', /^[0-9a-f-]{36}$/)
  assert.ok(bad?.event_type === 'payment.failed.gateway_error')
  assert.equal(bad.reason, 'gateway_declined')
  assert.equal(bad.gateway_response.error_code, 'invalid_account_number')
  assert.ok(down?.event_type === 'payment.failed.gateway_error')
  assert.equal(down.reason, 'gateway_unavailable')
  assert.equal(down.gateway_response.error_code, 'gateway_unailable')
})

test('a second payment with the transaction id of a first one is in doubt until the PSP proves it', async (t) => {
  await it.behave({ default: 'repeated_transaction_id' })
  await started(t)
  const [first, second] = [fundsReserved(), fundsReserved()]
  await it.reserve([first])
  await it.final(first.payment_id)
  await it.reserve([second])
  await it.final(second.payment_id)
  const types = (await it.resultsOf(second.payment_id)).map((one) => one.event_type)
  assert.deepEqual(types, ['payment.in_doubt', 'payment.completed'])
})

test('rule 9: all attempts send the same bytes, and each is recorded before it is sent', async (t) => {
  await it.behave({ default: 'error_500_twice' })
  await started(t, {
    CAUDAL_PSP_SOURCE_ACCOUNTS: '{"default":"1","tenants":{"caudal":{"USD":"77"}}}',
  })
  const event = fundsReserved()
  await it.reserve([event])
  await it.final(event.payment_id)
  const { rows } = await it.db.query(
    `SELECT convert_from(request_body, 'utf8') AS body FROM payments WHERE payment_id = $1`,
    [event.payment_id],
  )
  assert.deepEqual(JSON.parse(rows[0].body), {
    payment_id: event.payment_id,
    timestamp: event.timestamp,
    amount: '10.00',
    currency: 'USD',
    source: { account_number: '77' },
    destination: { name: 'Electricity', account_number: '1234567890', bank_code: 'BNK112' },
  })
  await assert.rejects(it.db.query(`UPDATE payments SET request_body = ''`), /permission denied/)
  const attempts = await it.db.query(
    `SELECT number, status, http_status, answer_body IS NOT NULL AS saved, latency_ms >= 0 AS timed,
       sending_at <= answered_at AND sending_at < deadline_at AS ordered
     FROM attempts WHERE payment_id = $1 ORDER BY number`,
    [event.payment_id],
  )
  const stored = { saved: true, timed: true, ordered: true }
  assert.deepEqual(attempts.rows, [
    { number: 1, status: 'UNAVAILABLE', http_status: 500, ...stored },
    { number: 2, status: 'UNAVAILABLE', http_status: 500, ...stored },
    { number: 3, status: 'APPROVED', http_status: 200, ...stored },
  ])
})

test('an unsent payment fails as gateway_unreachable if the PSP is unreachable', async (t) => {
  await started(t, { CAUDAL_PSP_URL: 'http://127.0.0.1:1' })
  const event = fundsReserved()
  await it.reserve([event])
  const result = await it.final(event.payment_id)
  assert.equal(result.event_type, 'payment.failed.gateway_unreachable')
  const { rows } = await it.db.query('SELECT status FROM attempts WHERE payment_id = $1', [
    event.payment_id,
  ])
  assert.deepEqual(
    rows.map((row) => row.status),
    ['NOT_SENT', 'NOT_SENT', 'NOT_SENT', 'NOT_SENT'],
  )
})

test('F5: an event with an unpayable amount is parked with its cause, without delaying others', async (t) => {
  await started(t)
  await it.behave({})
  const bad = fundsReserved()
  bad.payment_data.amount = '0.00'
  const good = fundsReserved()
  await it.reserve([bad, good])
  assert.equal((await it.final(good.payment_id)).event_type, 'payment.completed')
  const { rows } = await it.db.query('SELECT kind, cause FROM parked_records')
  assert.deepEqual(rows, [{ kind: 'unprocessable', cause: 'the amount is zero' }])
})
