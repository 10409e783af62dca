import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { examplePayment, startPsp } from './start-psp.ts'

describe('payments at the simulated bank', async () => {
  const psp = await startPsp(suiteScope())
  beforeEach(() => psp.behave({}))

  test('P5: an approval has the documented body and one charge', async () => {
    const paymentId = randomUUID()
    const { status, json } = await psp.pay(paymentId)
    assert.equal(status, 200)
    assert.deepEqual(json, {
      status: 'approved',
      message: 'Payment processed successfully.',
      gateway_transaction_id: json['gateway_transaction_id'],
      payment_id: paymentId,
    })
    const [charge, ...more] = await psp.charges(paymentId)
    assert.deepEqual(more, [])
    assert.deepEqual(charge, {
      payment_id: paymentId,
      gateway_transaction_id: json['gateway_transaction_id'],
      amount: '100.50',
      currency: 'USD',
      account_number: '1234567890',
      at: charge?.['at'],
    })
    assert.match(String(charge?.['at']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('P5: a decline has the documented body and no charge', async () => {
    await psp.behave({ by_account: { '1234567890': 'decline' } })
    const paymentId = randomUUID()
    const { status, json } = await psp.pay(paymentId)
    assert.equal(status, 400)
    assert.deepEqual(json, {
      status: 'failed',
      error_code: 'invalid_account_number',
      message: 'The destination account number is invalid.',
      payment_id: paymentId,
    })
    assert.deepEqual(await psp.charges(paymentId), [])
  })

  test('P5: 50 concurrent requests with one key give one charge and one response', async () => {
    const paymentId = randomUUID()
    const answers = await Promise.all(Array.from({ length: 50 }, () => psp.pay(paymentId)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    assert.equal((await psp.charges(paymentId)).length, 1)
    assert.equal((await psp.requests(paymentId)).length, 50)
  })

  test('P5: 300 concurrent payments are stored in batches and each gets its own response', async () => {
    const ids = Array.from({ length: 300 }, () => randomUUID())
    const answers = await Promise.all(ids.map((id) => psp.pay(id)))
    assert.deepEqual(
      answers.map(({ json }) => json['payment_id']),
      ids,
    )
    assert.equal(new Set(answers.map(({ json }) => json['gateway_transaction_id'])).size, 300)
    const { rows } = await psp.db.query<{ charges: number }>(
      'SELECT count(*)::integer AS charges FROM payments WHERE payment_id = ANY ($1::uuid[])',
      [ids],
    )
    assert.equal(rows[0]?.charges, 300)
  })

  test('P5: a verdict is final: a repeat gets it whatever the current behaviour', async () => {
    const approved = randomUUID()
    const failed = randomUUID()
    const first = await psp.pay(approved)
    await psp.behave({ default: 'decline' })
    const refused = await psp.pay(failed)
    assert.equal((await psp.pay(approved)).text, first.text)
    await psp.behave({ default: 'approve' })
    const again = await psp.pay(failed)
    assert.deepEqual([again.status, again.text], [400, refused.text])
    assert.equal((await psp.charges(approved)).length, 1)
    assert.deepEqual(await psp.charges(failed), [])
  })

  test('P5: a key with another body is refused with a problem that is no verdict', async () => {
    const paymentId = randomUUID()
    await psp.pay(paymentId)
    for (const change of [{ amount: '100.51' }, { timestamp: '2026-08-24T19:35:06Z' }]) {
      const { status, json, headers } = await psp.pay(paymentId, change)
      assert.equal(status, 422)
      assert.match(headers.get('content-type') ?? '', /problem\+json/)
      assert.equal(json['code'], 'IDEMPOTENCY_MISMATCH')
      assert.equal(json['status'], 422)
      assert.equal('payment_id' in json || 'error_code' in json, false)
    }
    const other = await psp.pay(randomUUID(), {}, { key: paymentId })
    assert.equal(other.json['code'], 'IDEMPOTENCY_MISMATCH')
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P5: of two concurrent bodies with one key, one is decided and the other refused', async () => {
    const paymentId = randomUUID()
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => psp.pay(paymentId)),
      ...Array.from({ length: 10 }, () => psp.pay(paymentId, { amount: '7.00' })),
    ])
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
    assert.deepEqual(statuses, [...Array<number>(10).fill(200), ...Array<number>(10).fill(422)])
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: verdicts and behaviour survive a restart', async () => {
    const paymentId = randomUUID()
    const first = await psp.pay(paymentId)
    const settings = {
      default: 'decline',
      by_account: { '1': 'error_500_twice' },
      latency_ms: 1,
      seed: 5,
    }
    await psp.behave(settings)
    await psp.pay(randomUUID(), { destination: { name: 'n', account_number: '1', bank_code: 'b' } })
    await psp.restart()
    assert.equal((await psp.pay(paymentId)).text, first.text)
    assert.deepEqual((await psp.call('GET', '/admin/behaviour')).json, settings)
    assert.equal((await psp.charges(paymentId)).length, 1)
  })

  test('P8: faults are counted per key across a restart', async () => {
    await psp.behave({ default: 'error_500_twice' })
    const paymentId = randomUUID()
    assert.equal((await psp.pay(paymentId)).status, 500)
    await psp.restart()
    assert.equal((await psp.pay(paymentId)).status, 500)
    assert.equal((await psp.pay(paymentId)).status, 200)
    assert.equal((await psp.pay(randomUUID())).status, 500)
  })

  test('P8: the status query returns approved, failed or not_found', async () => {
    const [approved, failed, unknown] = [randomUUID(), randomUUID(), randomUUID()]
    const { json: verdict } = await psp.pay(approved)
    await psp.behave({ default: 'decline' })
    const { json: refusal } = await psp.pay(failed)
    const amount = { amount: '100.50', currency: 'USD' }
    const status = (id: string) => psp.call('GET', `/v1/payments/${id}`)
    assert.deepEqual((await status(approved)).json, { ...verdict, ...amount })
    assert.deepEqual((await status(failed)).json, { ...refusal, ...amount })
    const absent = await status(unknown)
    assert.equal(absent.status, 200)
    assert.deepEqual(absent.json, { payment_id: unknown, status: 'not_found' })
    assert.equal((await status('nonsense')).json['code'], 'MALFORMED_REQUEST')
  })

  test('malformed requests store nothing', async () => {
    const paymentId = randomUUID()
    const bad: Array<[Record<string, unknown>, string]> = [
      [{ amount: '0.00' }, 'amount'],
      [{ amount: '1.005' }, 'amount'],
      [{ amount: 100.5 }, 'amount'],
      [{ currency: 'XXY' }, 'currency'],
      [{ timestamp: 'yesterday' }, 'timestamp'],
      [{ source: {} }, 'source.account_number'],
      [
        { destination: { name: '\u0000', account_number: '1', bank_code: 'b' } },
        'destination.name',
      ],
      [{ country: 'UY' }, 'country'],
    ]
    for (const [change, param] of bad) {
      const { status, json } = await psp.pay(paymentId, change)
      assert.deepEqual([status, json['code'], json['param']], [400, 'MALFORMED_REQUEST', param])
    }
    const keyless = await psp.call('POST', '/v1/payments', examplePayment(paymentId))
    assert.equal(keyless.json['code'], 'IDEMPOTENCY_KEY_REQUIRED')
    const foreign = await psp.pay(paymentId, {}, { key: 'k-1' })
    assert.equal(foreign.json['code'], 'INVALID_IDEMPOTENCY_KEY')
    assert.equal((await psp.requests(paymentId)).length, 0)
  })

  test('a request without Content-Length gets the same response from the framework', async () => {
    const paymentId = randomUUID()
    const bytes = new TextEncoder().encode(JSON.stringify(examplePayment(paymentId)))
    const chunked = await fetch(`${psp.url()}/v1/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': paymentId },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(bytes)
          controller.close()
        },
      }),
      duplex: 'half',
    })
    assert.equal(chunked.status, 200)
    assert.equal(await chunked.text(), (await psp.pay(paymentId)).text)
    const statuses = async (body: string, type: string) => {
      const headers = { 'content-type': type, 'idempotency-key': randomUUID() }
      const response = await fetch(`${psp.url()}/v1/payments`, { method: 'POST', headers, body })
      return [response.status, ((await response.json()) as { code: string }).code]
    }
    const json = 'application/json'
    assert.deepEqual(await statuses('{}', 'text/plain'), [415, 'UNSUPPORTED_MEDIA_TYPE'])
    assert.deepEqual(await statuses('x'.repeat(300_000), json), [413, 'BODY_TOO_LARGE'])
    assert.deepEqual(await statuses('{"a":1,"a":2}', json), [400, 'MALFORMED_REQUEST'])
    assert.deepEqual(await statuses('['.repeat(1_000), json), [400, 'MALFORMED_REQUEST'])
  })

  test('P13: payments are counted and traced on both paths', async () => {
    const traceId = randomUUID().replaceAll('-', '')
    const { headers } = await psp.pay(
      randomUUID(),
      {},
      { traceparent: `00-${traceId}-00000000000000a1-01` },
    )
    assert.match(headers.get('traceparent') ?? '', new RegExp(`^00-${traceId}-`))
    const { text } = await psp.call('GET', '/metrics')
    const counted = /http_requests_total\{route="\/v1\/payments",method="POST",status_class="2xx",/
    assert.match(text, counted)
  })

  test('charges and requests are paginated, each listed once', async () => {
    const ids = Array.from({ length: 7 }, () => randomUUID())
    await Promise.all(ids.map((id) => psp.pay(id)))
    for (const list of ['charges', 'requests']) {
      const seen: string[] = []
      for (let query: string | null = 'limit=100'; query !== null;) {
        const page = await psp.call('GET', `/admin/${list}?${query}`)
        const { data, has_more: hasMore, next_cursor: cursor } = page.json as unknown as Page
        assert.equal(hasMore, cursor !== null)
        seen.push(...data.map((item) => item.payment_id))
        query = cursor === null ? null : `limit=100&cursor=${cursor}`
      }
      const counts = ids.map((id) => seen.filter((one) => one === id).length)
      assert.deepEqual(counts, Array<number>(7).fill(1), list)
      for (const query of ['limit=0', 'limit=1001', 'cursor=junk', 'payment_id=1']) {
        assert.equal((await psp.call('GET', `/admin/${list}?${query}`)).status, 400, query)
      }
    }
  })
})

interface Page {
  data: Array<{ payment_id: string }>
  has_more: boolean
  next_cursor: string | null
}
